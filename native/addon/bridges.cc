// SPDX-License-Identifier: MPL-2.0
#include "addon/bridges.h"

#include <cstring>
#include <string>
#include <vector>

#include "addon/arguments.h"
#include "shm/tables/decision_reader.h"

namespace nnoe::addon {
namespace {

// A field that is padded with zeros, and need not be text: whoever wrote it is not trusted.
std::string padded(const char* field, size_t size) {
  std::string text(field, strnlen(field, size));
  for (char& byte : text)
    if (static_cast<unsigned char>(byte) < 0x20 || static_cast<unsigned char>(byte) > 0x7e) byte = '?';
  return text;
}

Napi::Object value_of(Napi::Env env, const tables::DecisionStatus& status) {
  const auto number = [env](uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
  const auto text = [env](const char* field, size_t size) {
    return Napi::String::New(env, padded(field, size));
  };
  const auto& [process, now] = status;
  const bool refuses = now.refused_us != 0 && now.refused_us >= now.loaded_us;
  Napi::Object out = Napi::Object::New(env);
  out.Set("pid", number(process.pid));
  out.Set("bridge", text(process.bridge, sizeof process.bridge));
  out.Set("dnsdist", text(process.dnsdist, sizeof process.dnsdist));
  out.Set("generation", number(now.generation));
  out.Set("loadedUs", number(now.loaded_us));
  out.Set("refuses", Napi::Boolean::New(env, refuses));
  out.Set("refused", number(now.refused_generation));
  out.Set("reason", text(now.reason, sizeof now.reason));
  out.Set("bytes", number(now.table_bytes));
  out.Set("fail", Napi::String::New(env, process.fail == 0 ? "open" : "closed"));
  out.Set("threads", number(now.threads));
  return out;
}

}  // namespace

Napi::Value read_bridges(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = text(info, 0, "directory");
  Napi::Array out = Napi::Array::New(env);
  std::vector<std::string> names;
  std::string why;
  if (!tables::DecisionReader::list(directory, names, why)) return out;
  for (const std::string& name : names) {
    const auto reader = tables::DecisionReader::open(directory + "/" + name, why);
    tables::DecisionStatus status{};
    if (reader && reader->alive() && reader->status(status)) out.Set(out.Length(), value_of(env, status));
  }
  return out;
}

}  // namespace nnoe::addon
