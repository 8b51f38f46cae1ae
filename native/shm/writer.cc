// SPDX-License-Identifier: MPL-2.0
#include "shm/writer.h"

#include <unistd.h>

#include <cstring>

#include "shm/crc32c.h"
#include "shm/layout.h"

namespace nnoe::journal {

bool Recent::has_after(uint64_t at, uint64_t key) const noexcept {
  for (uint64_t i = next_; i > 0 && next_ - i < kEntries; --i) {
    const uint64_t entry = (i - 1) & (kEntries - 1);
    if (seqs_[entry] <= at) return false;
    if (keys_[entry] == key) return true;
  }
  return false;
}

// There is room.
// What is only looked at under the lock is brought up to date before the copy: fewer values live across it.
inline uint64_t Writer::put(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept {
  uint8_t* const at = at_;
  const uint64_t seq = next_seq_++;
  at_ += layout::record_bytes(size);
  if (kind == Kind::kLease) recent_.push(key, seq);
  const uint32_t low = layout::low_half(static_cast<uint32_t>(size), static_cast<uint8_t>(kind));
  seal_(reinterpret_cast<uint64_t*>(at), payload, size, seq, low);
  head_.store(seq, std::memory_order_release);
  return seq;
}

void Writer::put_gap(const Gap& gap) noexcept {
  const EncodedGap encoded = encode(gap);
  put(Kind::kGap, 0, encoded.bytes.data(), encoded.size);
  recent_from_ = next_seq_ - 1;
}

bool Writer::take_sleeper() noexcept {
  if (!sleeper_) return false;
  sleeper_ = false;
  signalled_ = next_seq_ - 1;
  return true;
}

// Both rare ways leave by a call in last place, so that the usual one keeps no value over a call but the
// copy's.
uint64_t Writer::append(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept {
  if (__builtin_expect(!mutex_.try_lock(), 0)) return append_waiting(kind, key, payload, size);
  return append_locked(kind, key, payload, size);
}

__attribute__((noinline, cold)) uint64_t Writer::append_waiting(Kind kind, uint64_t key,
                                                                const uint8_t* payload,
                                                                size_t size) noexcept {
  mutex_.lock();
  return append_locked(kind, key, payload, size);
}

inline uint64_t Writer::append_locked(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept {
  if (__builtin_expect(layout::record_bytes(size) > room() || size > kMaxPayload, 0)) {
    return append_crossing(kind, key, payload, size);
  }
  const uint64_t seq = put(kind, key, payload, size);
  const bool wake = take_sleeper();
  mutex_.unlock();
  if (__builtin_expect(wake, 0)) signal();
  return seq;
}

// The rest of `append` when the record does not fit the active segment, or no segment at all. Out of line, so
// that the usual way saves no registers for it. Called with the mutex held, returns without.
__attribute__((noinline, cold)) uint64_t Writer::append_crossing(Kind kind, uint64_t key,
                                                                 const uint8_t* payload,
                                                                 size_t size) noexcept {
  Reports reports;
  uint64_t seq = 0;
  bool wake = false;
  if (size <= kMaxPayload && make_room(layout::record_bytes(size), reports)) {
    seq = put(kind, key, payload, size);
    wake = take_sleeper();
  } else {
    drop(1, reports);
  }
  mutex_.unlock();
  if (wake) signal();
  tell(reports);
  return seq;
}

int Writer::append_page(uint64_t at, const Producer::Item* items, size_t count) noexcept {
  Reports reports;
  int written = 0;
  bool wake = false;
  {
    const std::lock_guard<Lock> lock(mutex_);
    if (at < recent_from_ || !recent_.covers(at)) return -1;
    for (size_t i = 0; i < count; ++i) {
      const Producer::Item& item = items[i];
      if (recent_.has_after(at, item.key)) continue;
      if (item.size > kMaxPayload || (layout::record_bytes(item.size) > room() &&
                                      !make_room(layout::record_bytes(item.size), reports))) {
        drop(1, reports);
        continue;
      }
      put(Kind::kSnapshot, item.key, item.payload, item.size);
      ++written;
    }
    wake = written > 0 && take_sleeper();
  }
  if (wake) signal();
  tell(reports);
  return written;
}

// Counts, and where it can says so in the stream at once.
uint64_t Writer::drop(uint64_t count, Reports& reports) noexcept {
  dropped_ += count;
  Gap gap{0, 0, dropped_ - dropped_before_, event::GapReason::kUnwritable};
  const uint64_t bytes = layout::record_bytes(encode(gap).size);
  if (make_room(bytes, reports)) {
    put_gap(gap);
    dropped_before_ = dropped_;
  }
  return 0;
}

void Writer::signal() noexcept {
  // A full FIFO holds signals already; nothing else can fail that matters.
  [[maybe_unused]] const ssize_t n = ::write(files_.wake.get(), &layout::kWakeByte, 1);
}

void Writer::sleeping() {
  bool wake = false;
  {
    const std::lock_guard<Lock> lock(mutex_);
    // What came after the last signal may be unseen: have the host look once more.
    wake = next_seq_ - 1 != signalled_;
    sleeper_ = !wake;
    signalled_ = next_seq_ - 1;
  }
  if (wake) signal();
}

void Writer::tell(const Reports& reports) noexcept {
  if (!options_.report) return;
  for (const auto& [event, detail] : reports) {
    try {
      options_.report(event, detail);
    } catch (...) {
      // What a report does cannot harm the journal.
      continue;
    }
  }
}

void Writer::kick() noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(work_fd_, &one, sizeof one);
}

}  // namespace nnoe::journal
