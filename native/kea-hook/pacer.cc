// SPDX-License-Identifier: MPL-2.0
#include "pacer.h"

#include <dhcp/iface_mgr.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace nnoe::hook {

using isc::dhcp::IfaceMgr;

namespace {

// Kea's signals are handled on its main thread: a new thread inherits a mask that keeps them there.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Pacer::Pacer(std::function<void()> ready) : ready_(std::move(ready)) {
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  try {
    IfaceMgr::instance().addExternalSocket(wake_, [this](int fd) {
      uint64_t count = 0;
      if (read(fd, &count, sizeof count) == sizeof count) ready_();
    });
    const BlockedSignals blocked;
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    IfaceMgr::instance().deleteExternalSocket(wake_);
    close(wake_);
    throw;
  }
}

Pacer::~Pacer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
  IfaceMgr::instance().deleteExternalSocket(wake_);
  close(wake_);
}

void Pacer::ask(std::chrono::microseconds delay) {
  const Clock::time_point when = Clock::now() + delay;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (due_ && *due_ <= when) return;
    due_ = when;
  }
  changed_.notify_one();
}

void Pacer::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    if (!due_) {
      changed_.wait(lock);
    } else if (Clock::now() < *due_) {
      const Clock::time_point due = *due_;
      changed_.wait_until(lock, due);
    } else {
      due_.reset();
      const uint64_t one = 1;
      // Fails only when the counter is full, and then the descriptor is ready anyway.
      [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
    }
  }
}

}  // namespace nnoe::hook
