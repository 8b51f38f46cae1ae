// SPDX-License-Identifier: MPL-2.0
// nnoe_native.node: what src/host/native.ts declares.
#include <napi.h>
#include <sys/file.h>

#include <cerrno>

#include "addon/decisions.h"
#include "addon/errors.h"
#include "addon/explain.h"
#include "addon/journal.h"
#include "addon/notify.h"
#include "addon/reader.h"
#include "addon/tables.h"
#include "shm/layout.h"

namespace nnoe::addon {
namespace {

constexpr int kAbi = 5;  // of this module towards src/host/native.ts

Napi::Value open_journal(const Napi::CallbackInfo& info) {
  std::vector<napi_value> arguments;
  for (size_t i = 0; i < info.Length(); ++i) arguments.push_back(info[i]);
  return info.Env().GetInstanceData<Classes>()->journal.New(arguments);
}

Napi::Value open_tables(const Napi::CallbackInfo& info) {
  std::vector<napi_value> arguments;
  for (size_t i = 0; i < info.Length(); ++i) arguments.push_back(info[i]);
  return info.Env().GetInstanceData<Classes>()->tables.New(arguments);
}

Napi::Value open_decisions(const Napi::CallbackInfo& info) {
  std::vector<napi_value> arguments;
  for (size_t i = 0; i < info.Length(); ++i) arguments.push_back(info[i]);
  return info.Env().GetInstanceData<Classes>()->decisions.New(arguments);
}

// Whether the open file is now locked by us, until it is closed; the kernel gives the lock back whatever
// happens.
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber())
    throw Napi::TypeError::New(info.Env(), "a file descriptor is a number");
  const bool locked = ::flock(info[0].As<Napi::Number>().Int32Value(), LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno != EWOULDBLOCK)
    throw coded(info.Env(), kIo, journal::system_error("lock", "file").text);
  return Napi::Boolean::New(info.Env(), locked);
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
  classes->tables = Napi::Persistent(Tables::define(env));
  classes->decisions = Napi::Persistent(Decisions::define(env));
  env.SetInstanceData(classes);
  exports.Set("abi", Napi::Number::New(env, kAbi));
  exports.Set("layoutVersion", Napi::Number::New(env, journal::layout::kVersion));
  exports.Set("recordKinds", record_kinds(env));
  exports.Set("openJournal", Napi::Function::New(env, open_journal, "openJournal"));
  exports.Set("openTables", Napi::Function::New(env, open_tables, "openTables"));
  exports.Set("explainQuery", Napi::Function::New(env, explain_query, "explainQuery"));
  exports.Set("decisionLayout", decision_layout(env));
  exports.Set("openDecisions", Napi::Function::New(env, open_decisions, "openDecisions"));
  exports.Set("notify", Napi::Function::New(env, notify, "notify"));
  exports.Set("lockFile", Napi::Function::New(env, lock_file, "lockFile"));
  return exports;
}

}  // namespace

NODE_API_MODULE(nnoe_native, init)

}  // namespace nnoe::addon
