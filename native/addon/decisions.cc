// SPDX-License-Identifier: MPL-2.0
#include "addon/decisions.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <system_error>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "shm/tables/program.h"

namespace nnoe::addon {
namespace {

using tables::DecisionCollector;

constexpr const char* kActNames[tables::kActs] = {"allow",  "drop",     "nxdomain", "refused",
                                                  "nodata", "truncate", "redirect", "pool"};
constexpr const char* kReasonNames[tables::kReasons] = {"no-tables", "allow-list",    "block-list",
                                                        "policy",    "no-policy",     "unplanned",
                                                        "fallback",  "fallback-miss", "malformed"};
constexpr const char* kTroubles[] = {"", "DECISIONS_DIRECTORY", "DECISIONS_BUSY", "DECISIONS_FILE"};

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

// A field that is padded with zeros, and need not be text: whoever wrote it is not trusted.
Napi::String padded(Napi::Env env, const char* field, size_t size) {
  std::string text(field, strnlen(field, size));
  for (char& byte : text)
    if (static_cast<unsigned char>(byte) < 0x20 || static_cast<unsigned char>(byte) > 0x7e) byte = '?';
  return Napi::String::New(env, text);
}

Napi::Object bridge_value(Napi::Env env, const tables::DecisionStatus& status) {
  const auto& [process, now] = status;
  const bool refuses = now.refused_us != 0 && now.refused_us >= now.loaded_us;
  Napi::Object out = Napi::Object::New(env);
  out.Set("pid", number(env, process.pid));
  out.Set("startedUs", number(env, process.started_us));
  out.Set("bridge", padded(env, process.bridge, sizeof process.bridge));
  out.Set("dnsdist", padded(env, process.dnsdist, sizeof process.dnsdist));
  out.Set("generation", number(env, now.generation));
  out.Set("loadedUs", number(env, now.loaded_us));
  out.Set("refuses", Napi::Boolean::New(env, refuses));
  out.Set("refused", number(env, now.refused_generation));
  out.Set("reason", padded(env, now.reason, sizeof now.reason));
  out.Set("bytes", number(env, now.table_bytes));
  out.Set("fail", Napi::String::New(env, process.fail == 0 ? "open" : "closed"));
  out.Set("sampling", number(env, process.sampling));
  out.Set("threads", number(env, now.threads));
  return out;
}

Napi::String name_value(Napi::Env env, const uint8_t* name, size_t size) {
  char text[tables::kNameTextBytes + tables::kBodySlack];
  return Napi::String::New(env, text, tables::name_text(name, size, text));
}

Napi::String client_value(Napi::Env env, const uint8_t* address, size_t size) {
  char text[tables::kClientTextBytes + tables::kBodySlack];
  return Napi::String::New(env, text, tables::client_text(address, size, text));
}

Napi::Object record_value(Napi::Env env, const uint8_t* at) {
  tables::DecisionRecord record;
  std::memcpy(&record, at, sizeof record);
  const uint8_t* address = at + sizeof record;
  const tables::Verdict& verdict = record.verdict;
  Napi::Object out = Napi::Object::New(env);
  out.Set("timeUs", number(env, record.time_us));
  out.Set("client", client_value(env, address, record.address_bytes));
  out.Set("name", name_value(env, address + record.address_bytes, record.name_bytes));
  out.Set("type", number(env, record.type));
  out.Set("act", number(env, static_cast<uint64_t>(verdict.act)));
  out.Set("reason", number(env, static_cast<uint64_t>(verdict.reason)));
  out.Set("roleSet", number(env, verdict.role_set));
  out.Set("list", verdict.list == tables::kNoList ? env.Undefined() : number(env, verdict.list));
  out.Set("generation", number(env, verdict.generation));
  return out;
}

Napi::Array records_value(Napi::Env env, const tables::RecordSample& sample, size_t most) {
  const size_t shown = std::min(sample.size(), most);
  Napi::Array out = Napi::Array::New(env, shown);
  for (size_t i = 0; i < shown; ++i) out.Set(static_cast<uint32_t>(i), record_value(env, sample[i]));
  return out;
}

using KeyValue = Napi::String (*)(Napi::Env, const uint8_t*, size_t);

Napi::Object heavy_value(Napi::Env env, const tables::HeavyHitters& heavy, size_t most, KeyValue value) {
  const auto top = heavy.top(most);
  Napi::Array keys = Napi::Array::New(env, top.size());
  Napi::Float64Array counts = Napi::Float64Array::New(env, top.size());
  for (size_t i = 0; i < top.size(); ++i) {
    const auto* key = reinterpret_cast<const uint8_t*>(top[i].key.data());
    keys.Set(static_cast<uint32_t>(i), value(env, key, top[i].key.size()));
    counts[i] = static_cast<double>(top[i].count);
  }
  // What is not shown any more may have had as much as the last that is.
  const bool cut = top.size() < heavy.size();
  const uint64_t error = heavy.error() + (cut && !top.empty() ? top.back().count : 0);
  Napi::Object out = Napi::Object::New(env);
  out.Set("keys", keys);
  out.Set("counts", counts);
  out.Set("error", number(env, error));
  return out;
}

size_t most_of(const Napi::CallbackInfo& info, size_t index, const char* what) {
  if (info.Length() > index && info[index].IsNumber()) return info[index].As<Napi::Number>().Uint32Value();
  throw Napi::TypeError::New(info.Env(), std::string(what) + " must be a number");
}

template <size_t Size>
Napi::Array names_value(Napi::Env env, const char* const (&names)[Size]) {
  Napi::Array out = Napi::Array::New(env, Size);
  for (uint32_t i = 0; i < Size; ++i) out.Set(i, Napi::String::New(env, names[i]));
  return out;
}

}  // namespace

Napi::Object decision_layout(Napi::Env env) {
  Napi::Array blocks = Napi::Array::New(env, tables::kActs);
  for (uint32_t i = 0; i < tables::kActs; ++i)
    blocks.Set(i, Napi::Boolean::New(env, tables::blocks(static_cast<tables::Act>(i))));
  Napi::Object out = Napi::Object::New(env);
  out.Set("acts", names_value(env, kActNames));
  out.Set("reasons", names_value(env, kReasonNames));
  out.Set("blocks", blocks);
  out.Set("roleSets", number(env, tables::kMaxRoleSets));
  out.Set("lists", number(env, tables::kMaxLists));
  return out;
}

Napi::Function Decisions::define(Napi::Env env) {
  return DefineClass(env, "Decisions",
                     {InstanceMethod<&Decisions::state>("state"), InstanceMethod<&Decisions::take>("take"),
                      InstanceMethod<&Decisions::close>("close")});
}

Decisions::Decisions(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  try {
    collector_ = std::make_unique<DecisionCollector>(text(info, 0, "directory"));
  } catch (const std::system_error& error) {
    throw coded(info.Env(), "DECISIONS_DIRECTORY", error.what());
  }
}

DecisionCollector& Decisions::collector(const Napi::CallbackInfo& info) {
  if (!collector_) throw coded(info.Env(), "DECISIONS_DIRECTORY", "the decisions are closed");
  return *collector_;
}

Napi::Value Decisions::state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const DecisionCollector::State state = collector(info).state();
  Napi::Array bridges = Napi::Array::New(env, state.bridges.size());
  for (size_t i = 0; i < state.bridges.size(); ++i)
    bridges.Set(static_cast<uint32_t>(i), bridge_value(env, state.bridges[i]));
  Napi::Object out = Napi::Object::New(env);
  out.Set("bridges", bridges);
  out.Set("code", Napi::String::New(env, kTroubles[state.trouble.kind]));
  out.Set("reason", padded(env, state.trouble.why.data(), state.trouble.why.size()));
  out.Set("records", number(env, state.records));
  out.Set("lost", number(env, state.lost));
  out.Set("damaged", number(env, state.damaged));
  return out;
}

// Arguments: most records of each sample, and most keys of each ranking.
Napi::Value Decisions::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const size_t records = most_of(info, 0, "records");
  const size_t top = most_of(info, 1, "top");
  const uint64_t before = totals_.version;
  collector(info).take(gathered_, totals_);
  const tables::Gathered& got = *gathered_;
  if (shown_.IsEmpty()) shown_ = Napi::Persistent(Napi::Float64Array::New(env, tables::kCounters));
  Napi::Float64Array counters = shown_.Value();
  if (totals_.version != before)
    for (size_t i = 0; i < tables::kCounters; ++i) counters[i] = static_cast<double>(totals_.counters[i]);
  Napi::Object out = Napi::Object::New(env);
  out.Set("version", number(env, totals_.version));
  out.Set("counters", counters);
  out.Set("records", number(env, got.records));
  out.Set("lost", number(env, got.lost + got.damaged));
  out.Set("sample", records_value(env, got.all, records));
  out.Set("blockedSample", records_value(env, got.blocked, records));
  out.Set("names", heavy_value(env, got.names, top, name_value));
  out.Set("clients", heavy_value(env, got.clients, top, client_value));
  out.Set("blockedNames", heavy_value(env, got.blocked_names, top, name_value));
  out.Set("blockedClients", heavy_value(env, got.blocked_clients, top, client_value));
  return out;
}

void Decisions::close(const Napi::CallbackInfo&) { collector_.reset(); }

}  // namespace nnoe::addon
