// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <napi.h>

#include <string>

namespace nnoe::addon {

inline std::string text(const Napi::CallbackInfo& info, size_t index, const char* what) {
  if (info.Length() > index && info[index].IsString()) return info[index].As<Napi::String>().Utf8Value();
  throw Napi::TypeError::New(info.Env(), std::string(what) + " must be a string");
}

}  // namespace nnoe::addon
