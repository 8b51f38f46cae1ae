// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <napi.h>

#include <string>

#include "shm/files.h"

namespace nnoe::addon {

// An Error with `code`, as src/host/errors.ts knows it.
inline Napi::Error coded(Napi::Env env, const char* code, const std::string& text) {
  Napi::Error error = Napi::Error::New(env, text);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

constexpr const char* kClosed = "JOURNAL_CLOSED";
constexpr const char* kIo = "JOURNAL_IO";
constexpr const char* kNotify = "SERVICE_NOTIFY";

}  // namespace nnoe::addon
