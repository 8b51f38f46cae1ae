// SPDX-License-Identifier: MPL-2.0
// Calls back on Kea's main thread, not before a given moment. Kea's main loop selects on "external sockets"
// beside its DHCP sockets, serves them before any packet, and one at a time: a descriptor that stayed ready
// would starve DHCP. So ours becomes ready only when a thread of ours says so, and is read empty before the
// callback runs. The thread sleeps without a time limit while nothing is asked for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace nnoe::hook {

class Pacer {
 public:
  // Main thread. `ready` must not throw. Throws isc::Exception or std::system_error.
  explicit Pacer(std::function<void()> ready);
  // Main thread. Afterwards `ready` is not called any more.
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Any thread: call `ready` in `delay`, or earlier when something earlier was asked for.
  void ask(std::chrono::microseconds delay);

 private:
  using Clock = std::chrono::steady_clock;
  void run();

  std::function<void()> ready_;
  int wake_ = -1;  // eventfd: written by our thread, read by Kea's main thread
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Clock::time_point> due_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace nnoe::hook
