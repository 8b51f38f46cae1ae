// SPDX-License-Identifier: MPL-2.0
#include "addon/signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

#include "addon/errors.h"
#include "shm/consumer.h"

namespace nnoe::addon {

Signal::Signal(Napi::Env env, const Napi::Function& callback, int wake)
    : wake_(wake), stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!stop_) throw coded(env, kIo, journal::system_error("create", "eventfd").text);
  // A queue of one: a callback that has not run yet stands for every signal until it does.
  function_ = Napi::ThreadSafeFunction::New(env, callback, "nnoe journal signal", 1, 1);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& failure) {
    function_.Release();
    throw coded(env, kIo, failure.what());
  }
}

Signal::~Signal() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(stop_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void Signal::run() {
  pollfd fds[2] = {{stop_.get(), POLLIN, 0}, {wake_, POLLIN, 0}};
  for (;;) {
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents != 0) break;
    if (fds[1].revents == 0) continue;
    journal::Consumer::drain(wake_);
    // Refused once the environment is going away, after which the function must not be touched again.
    if (function_.NonBlockingCall() == napi_closing) return;
  }
  function_.Release();
}

}  // namespace nnoe::addon
