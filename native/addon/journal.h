// SPDX-License-Identifier: MPL-2.0
// Journal of src/host/native.ts.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "addon/signal.h"
#include "shm/consumer.h"

namespace nnoe::addon {

class Journal : public Napi::ObjectWrap<Journal> {
 public:
  static Napi::Function define(Napi::Env env);
  // Arguments: directory, and optionally { capacity, payloadBytes }.
  explicit Journal(const Napi::CallbackInfo& info);

 private:
  Napi::Value status(const Napi::CallbackInfo& info);
  Napi::Value reader(const Napi::CallbackInfo& info);
  Napi::Value cursors(const Napi::CallbackInfo& info);
  void set_cursor(const Napi::CallbackInfo& info);
  void remove_cursor(const Napi::CallbackInfo& info);
  void on_signal(const Napi::CallbackInfo& info);
  void arm(const Napi::CallbackInfo& info);
  void request_walk(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  journal::Consumer& consumer(const Napi::CallbackInfo& info);  // throws when closed

  std::unique_ptr<journal::Consumer> consumer_;  // null once closed
  std::unique_ptr<Signal> signal_;               // destroyed first: uses the consumer's descriptor
  size_t capacity_ = 1024;                       // records
  size_t payload_bytes_ = 1024 * 1024;
};

// Per environment: constructors.
struct Classes {
  Napi::FunctionReference journal;
  Napi::FunctionReference reader;
  Napi::FunctionReference tables;
  Napi::FunctionReference decisions;
};

}  // namespace nnoe::addon
