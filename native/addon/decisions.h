// SPDX-License-Identifier: MPL-2.0
// NativeDecisions of src/host/decisions/native.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "shm/tables/decision_collector.h"

namespace nnoe::addon {

// What acts and reasons are called, and how many numbers there are: decisionLayout of src/host/native.ts.
Napi::Object decision_layout(Napi::Env env);

class Decisions : public Napi::ObjectWrap<Decisions> {
 public:
  static Napi::Function define(Napi::Env env);
  // Argument: the directory.
  explicit Decisions(const Napi::CallbackInfo& info);

 private:
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value take(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  tables::DecisionCollector& collector(const Napi::CallbackInfo& info);  // throws when closed

  std::unique_ptr<tables::DecisionCollector> collector_;
  std::unique_ptr<tables::Gathered> gathered_;
  tables::DecisionCollector::Totals totals_;
  // What take hands out: the same array every time, since half a megabyte a second is a lot to collect.
  Napi::Reference<Napi::Float64Array> shown_;
};

}  // namespace nnoe::addon
