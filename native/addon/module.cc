// SPDX-License-Identifier: MPL-2.0
// nnoe_native.node: what src/host/native.ts declares.
#include <napi.h>

#include "addon/journal.h"
#include "addon/notify.h"
#include "addon/reader.h"
#include "shm/layout.h"

namespace nnoe::addon {
namespace {

constexpr int kAbi = 2;  // of this module towards src/host/native.ts

Napi::Value open_journal(const Napi::CallbackInfo& info) {
  std::vector<napi_value> arguments;
  for (size_t i = 0; i < info.Length(); ++i) arguments.push_back(info[i]);
  return info.Env().GetInstanceData<Classes>()->journal.New(arguments);
}

Napi::Object record_kinds(Napi::Env env) {
  using journal::Kind;
  Napi::Object kinds = Napi::Object::New(env);
  const auto add = [&](const char* name, Kind kind) {
    kinds.Set(name, Napi::Number::New(env, static_cast<uint8_t>(kind)));
  };
  add("Lease", Kind::kLease);
  add("Snapshot", Kind::kSnapshot);
  add("Gap", Kind::kGap);
  add("WalkBegin", Kind::kWalkBegin);
  add("WalkEnd", Kind::kWalkEnd);
  return kinds;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* classes = new Classes();
  classes->journal = Napi::Persistent(Journal::define(env));
  classes->reader = Napi::Persistent(JournalReader::define(env));
  env.SetInstanceData(classes);
  exports.Set("abi", Napi::Number::New(env, kAbi));
  exports.Set("layoutVersion", Napi::Number::New(env, journal::layout::kVersion));
  exports.Set("recordKinds", record_kinds(env));
  exports.Set("openJournal", Napi::Function::New(env, open_journal, "openJournal"));
  exports.Set("notify", Napi::Function::New(env, notify, "notify"));
  return exports;
}

}  // namespace

NODE_API_MODULE(nnoe_native, init)

}  // namespace nnoe::addon
