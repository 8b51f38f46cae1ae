// SPDX-License-Identifier: MPL-2.0
// What every dnsdist on this machine says of itself: readBridges of src/host/native.ts.
#pragma once

#include <napi.h>

namespace nnoe::addon {

// Argument: the directory of decisions. An array; of what cannot be read nothing is told.
Napi::Value read_bridges(const Napi::CallbackInfo& info);

}  // namespace nnoe::addon
