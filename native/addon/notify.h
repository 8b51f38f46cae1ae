// SPDX-License-Identifier: MPL-2.0
// One datagram to the service manager (sd_notify's protocol), which Node cannot send by itself.
#pragma once

#include <napi.h>

namespace nnoe::addon {

// Arguments: the socket as NOTIFY_SOCKET names it (a path, or `@` and an abstract name), and the text.
// Returns false when the receiver's queue is full, and never waits for it. Throws SERVICE_NOTIFY.
Napi::Value notify(const Napi::CallbackInfo& info);

}  // namespace nnoe::addon
