// SPDX-License-Identifier: MPL-2.0
// `nnoe why`: the verdict on one question with everything that led to it, from what is published in a
// directory.
#pragma once

#include <napi.h>

namespace nnoe::addon {

// Arguments: directory, the client's address (4 or 16 bytes), the name in wire form, the type. Undefined when
// nothing is published. Reads the whole generation, as a bridge does. Throws TABLES_UNREADABLE.
Napi::Value explain_query(const Napi::CallbackInfo& info);

}  // namespace nnoe::addon
