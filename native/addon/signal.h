// SPDX-License-Identifier: MPL-2.0
// Carries the producer's signals to the event loop. A thread sleeps in poll() on the FIFO; with uv_poll it
// would be one thread less, but uv.h is not part of the Node-API headers that the addon is built with.
#pragma once

#include <napi.h>

#include <thread>

#include "shm/files.h"

namespace nnoe::addon {

class Signal {
 public:
  // `wake` stays open until this is destroyed.
  Signal(Napi::Env env, const Napi::Function& callback, int wake);
  ~Signal();  // joins the thread; no callback comes after
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  void run();

  const int wake_;
  journal::Fd stop_;  // eventfd
  Napi::ThreadSafeFunction function_;
  std::thread thread_;
};

}  // namespace nnoe::addon
