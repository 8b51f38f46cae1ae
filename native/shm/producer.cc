// SPDX-License-Identifier: MPL-2.0
// The producer's own thread: opens and re-opens, prepares and frees segments, answers the doorbell.
#include "shm/producer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "shm/cursors.h"
#include "shm/layout.h"
#include "shm/recovery.h"
#include "shm/writer.h"

namespace nnoe::journal {
namespace {

constexpr int kRetryMs = 2000;     // between attempts to become writable
constexpr int kFreeMs = 1000;      // while segments wait for cursors
constexpr int kBacklogMs = 50;     // while somebody asks for the backlog
constexpr int64_t kAskedMs = 500;  // how long after a question that goes on

class ProducerImpl final : public Producer {
 public:
  explicit ProducerImpl(Options options) : options_(sane(std::move(options))), writer_(options_) {
    event_ = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    writer_.on_work(event_.get());
    attempt();
    thread_ = std::thread([this] { run(); });
  }

  ~ProducerImpl() override {
    stop_.store(true, std::memory_order_relaxed);  // the eventfd write below orders it
    kick();
    if (thread_.joinable()) thread_.join();
    writer_.close();
  }

  uint64_t append(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept override {
    return writer_.append(kind, key, payload, size);
  }
  int append_page(uint64_t at, const Item* items, size_t count) noexcept override {
    return writer_.append_page(at, items, count);
  }
  uint64_t head() const noexcept override { return writer_.head(); }

  uint64_t backlog_bytes() const noexcept override {
    // Both relaxed: a figure that may be late by design; nothing else is read on the strength of it.
    const int64_t before = asked_ms_.exchange(monotonic_ms(), std::memory_order_relaxed);
    if (monotonic_ms() - before > kAskedMs) kick();
    return backlog_.load(std::memory_order_relaxed);
  }

  Status status() const override {
    Status status{};
    writer_.fill(status);
    if (status.id.empty()) return status;
    for (const CursorState& cursor : read_cursors(writer_.dir()))
      status.cursors.push_back({cursor.name, cursor.seq});
    return status;
  }

 private:
  static Options sane(Options options) {
    options.segment_bytes =
        std::clamp(options.segment_bytes & ~(layout::kPage - 1), layout::kMinSegment, layout::kMaxSegment);
    options.cap_bytes = std::max(options.cap_bytes, 4 * options.segment_bytes);
    return options;
  }

  void kick() const noexcept {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
  }

  // Opens the journal, or makes an opened one writable again.
  void attempt() {
    Reports reports;
    if (!writer_.open()) {
      Error error;
      if (auto opened = open_journal(options_, error)) {
        reports = std::move(opened->reports);
        writer_.install(std::move(*opened));
      } else {
        writer_.unwritable(error, reports);
      }
    }
    if (writer_.open()) writer_.resume(reports);
    writer_.tell(reports);
  }

  void run() noexcept {
    while (!stop_.load(std::memory_order_relaxed)) {
      try {
        turn();
      } catch (...) {
        // Out of memory, or a report that threw: the journal is as it was; do not spin.
        ::poll(nullptr, 0, kRetryMs);
      }
    }
  }

  void turn() {
    pollfd fds[2] = {{event_.get(), POLLIN, 0}, {writer_.bell(), POLLIN, 0}};
    ::poll(fds, writer_.bell() >= 0 ? 2 : 1, timeout_);
    if ((fds[0].revents & POLLIN) != 0) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = ::read(event_.get(), &count, sizeof count);
    }
    if (stop_.load(std::memory_order_relaxed)) return;
    if ((fds[1].revents & POLLIN) != 0) answer_bell();
    timeout_ = housekeeping();
  }

  void answer_bell() {
    char bytes[512];
    bool sleeps = false;
    bool walk = false;
    for (ssize_t n; (n = ::read(writer_.bell(), bytes, sizeof bytes)) > 0;) {
      sleeps = sleeps || std::find(bytes, bytes + n, layout::kBellSleep) != bytes + n;
      walk = walk || std::find(bytes, bytes + n, layout::kBellWalk) != bytes + n;
      if (n < static_cast<ssize_t>(sizeof bytes)) break;
    }
    if (walk && options_.on_request) options_.on_request(Request::kWalk);
    if (sleeps) writer_.sleeping();
  }

  // Returns how long to sleep at most, ms; -1: until there is something to do.
  int housekeeping() {
    const int64_t now = monotonic_ms();
    writer_.unmap_retired();
    if (!writer_.writable()) {
      if (now >= retry_at_) {
        retry_at_ = now + kRetryMs;
        attempt();
      }
      if (!writer_.writable()) return static_cast<int>(std::max<int64_t>(retry_at_ - monotonic_ms(), 1));
    }
    Error ignored;  // told when the segment is needed
    const bool prepared = writer_.prepare(false, ignored);
    const bool asked = now - asked_ms_.load(std::memory_order_relaxed) <= kAskedMs;
    Status status{};
    writer_.fill(status);
    if (asked || status.segments > 1) look_at_cursors(status.segments > 1 && now >= free_at_);
    if (asked) return kBacklogMs;
    if (status.segments > 1) return kFreeMs;
    return prepared ? -1 : kRetryMs;
  }

  void look_at_cursors(bool free) {
    uint64_t slowest = std::numeric_limits<uint64_t>::max();
    for (const CursorState& cursor : read_cursors(writer_.dir())) slowest = std::min(slowest, cursor.seq);
    if (slowest == std::numeric_limits<uint64_t>::max()) slowest = 0;  // nobody has read anything
    backlog_.store(writer_.bytes_after(slowest), std::memory_order_relaxed);
    if (!free) return;
    writer_.free_passed(slowest);
    free_at_ = monotonic_ms() + kFreeMs / 2;
  }

  const Options options_;
  mutable Writer writer_;  // status() locks it
  Fd event_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  mutable std::atomic<int64_t> asked_ms_{std::numeric_limits<int64_t>::min() / 2};
  std::atomic<uint64_t> backlog_{0};
  // Of the thread alone.
  int timeout_ = 0;
  int64_t retry_at_ = 0;
  int64_t free_at_ = 0;
};

}  // namespace

std::unique_ptr<Producer> Producer::open(Options options) noexcept {
  try {
    return std::make_unique<ProducerImpl>(std::move(options));
  } catch (...) {
    return nullptr;
  }
}

}  // namespace nnoe::journal
