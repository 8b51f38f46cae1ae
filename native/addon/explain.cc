// SPDX-License-Identifier: MPL-2.0
#include "addon/explain.h"

#include <string>
#include <vector>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/table_values.h"
#include "shm/tables/explain.h"

namespace nnoe::addon {
namespace {

using tables::Explanation;

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Array texts(Napi::Env env, const std::vector<std::string>& all) {
  Napi::Array out = Napi::Array::New(env, all.size());
  for (uint32_t i = 0; i < all.size(); ++i) out.Set(i, Napi::String::New(env, all[i]));
  return out;
}

Napi::Value action_value(Napi::Env env, const tables::Action& action) {
  const auto bytes = [env](const uint8_t* data, size_t size) {
    return Napi::Buffer<uint8_t>::Copy(env, data, size);
  };
  Napi::Object out = Napi::Object::New(env);
  out.Set("act", number(env, static_cast<uint64_t>(action.what())));
  out.Set("ttl", number(env, action.ttl));
  out.Set("a", bytes(action.a_data(), size_t{action.a} * 4));
  out.Set("aaaa", bytes(action.aaaa_data(), size_t{action.aaaa} * 16));
  out.Set("cname", bytes(action.cname_data(), action.cname_bytes));
  out.Set("pool", Napi::String::New(env, std::string(action.pool())));
  out.Set("ede", number(env, action.ede));
  out.Set("edeText", Napi::String::New(env, std::string(action.ede_text())));
  return out;
}

Napi::Array levels_value(Napi::Env env, const Explanation& found) {
  Napi::Array out = Napi::Array::New(env, found.levels.size());
  for (uint32_t i = 0; i < found.levels.size(); ++i) {
    const auto& [name, lists, delta] = found.levels[i];
    Napi::Object level = Napi::Object::New(env);
    level.Set("name", Napi::String::New(env, name));
    level.Set("lists", texts(env, lists));
    level.Set("changed", Napi::Boolean::New(env, delta));
    out.Set(i, level);
  }
  return out;
}

Napi::Value value_of(Napi::Env env, const tables::Generation& tables, const Explanation& found) {
  const tables::Verdict& verdict = found.verdict;
  Napi::Object out = Napi::Object::New(env);
  out.Set("generation", number(env, tables.head.generation));
  out.Set("createdUs", number(env, tables.head.created_us));
  out.Set("bytes", number(env, tables.bytes));
  out.Set("reason", number(env, static_cast<uint64_t>(verdict.reason)));
  out.Set("action", action_value(env, tables.actions->view[verdict.action]));
  out.Set("roleSet", number(env, verdict.role_set));
  out.Set("roles", texts(env, found.roles));
  if (found.mapped) out.Set("mappedBits", number(env, found.length));
  out.Set("name", Napi::String::New(env, found.name));
  out.Set("levels", levels_value(env, found));
  out.Set("list", Napi::String::New(env, found.list));
  out.Set("rule", Napi::String::New(env, found.rule));
  return out;
}

}  // namespace

Napi::Value explain_query(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = text(info, 0, "directory");
  const ByteView address = bytes_of(info[1], "address");
  const ByteView name = bytes_of(info[2], "name");
  const uint32_t type = info[3].ToNumber().Uint32Value();
  std::shared_ptr<const tables::Generation> generation;
  std::string why;
  try {
    tables::GenerationLoader loader(directory);
    if (loader.poll(true, generation, why) == tables::Read::kRefused)
      throw coded(env, "TABLES_UNREADABLE", why);
    if (!generation) return env.Undefined();
    const tables::Question question{address.data, static_cast<uint32_t>(address.size),
                                    static_cast<uint32_t>(name.size), name.data, static_cast<uint16_t>(type)};
    return value_of(env, *generation, tables::explain(*generation, question));
  } catch (const std::bad_alloc&) {
    throw coded(env, "TABLES_UNREADABLE", "there is no memory for them");
  }
}

}  // namespace nnoe::addon
