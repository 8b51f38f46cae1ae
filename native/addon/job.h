// SPDX-License-Identifier: MPL-2.0
// Work for another thread, with a promise for its result.
#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nnoe::addon {

// What a promise rejects with: `code` as src/host/errors.ts knows it.
struct Failure : std::runtime_error {
  Failure(const char* of_table, const std::string& text) : std::runtime_error(text), code(of_table) {}
  const char* code;
};

constexpr const char* kUnwritten = "TABLES_UNWRITTEN";

struct Nothing {};

// Deletes itself when it is done.
template <class T>
class Job : public Napi::AsyncWorker {
 public:
  using Work = std::function<T()>;                               // on a thread of the pool; may throw
  using Give = std::function<Napi::Value(Napi::Env, const T&)>;  // on the event loop

  // `kept` live until the promise settles: what the work points into.
  static Napi::Promise run(Napi::Env env, Work work, Give give, const std::vector<Napi::Object>& kept = {}) {
    auto* job = new Job(env, std::move(work), std::move(give));
    for (const Napi::Object& each : kept) job->kept_.push_back(Napi::Persistent(each));
    const Napi::Promise promise = job->deferred_.Promise();
    job->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      result_.emplace(work_());
    } catch (const Failure& failure) {
      code_ = failure.code;
      SetError(failure.what());
    } catch (const std::exception& failure) {
      SetError(failure.what());
    }
  }
  void OnOK() override { deferred_.Resolve(give_(Env(), *result_)); }
  void OnError(const Napi::Error& error) override {
    Napi::Object value = error.Value();
    value.Set("code", Napi::String::New(Env(), code_));
    deferred_.Reject(value);
  }

 private:
  Job(Napi::Env env, Work work, Give give)
      : AsyncWorker(env, "nnoe tables"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        give_(std::move(give)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Give give_;
  std::vector<Napi::ObjectReference> kept_;
  std::optional<T> result_;
  const char* code_ = kUnwritten;
};

}  // namespace nnoe::addon
