// SPDX-License-Identifier: MPL-2.0
// Values of src/host/tables/native.ts, from and to JavaScript. Wrong types throw a TypeError.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "addon/list_taker.h"
#include "addon/table_directory.h"

namespace nnoe::addon {

struct ByteView {  // of a Uint8Array; lives as long as `object` does
  Napi::Object object;
  const uint8_t* data;
  size_t size;
};
ByteView bytes_of(const Napi::Value& value, const char* what);
// Copies of an array of Uint8Arrays.
std::vector<std::string> texts_of(const Napi::Value& value, const char* what);

PublishRequest request_of(const Napi::Value& value);

Napi::Value restored_value(Napi::Env env, const TableDirectory& directory);
Napi::Value published_value(Napi::Env env, const Published& published);
Napi::Value load_value(Napi::Env env, uint32_t id, ListTaker& load);

}  // namespace nnoe::addon
