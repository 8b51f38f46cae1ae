// SPDX-License-Identifier: MPL-2.0
// Producer::append: puts records into the active segment. Everything here happens under one mutex, which the
// threads that append share with the producer's own thread; under it only memory is written, except when a
// segment is full and the next one is not ready.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "shm/crc32c.h"
#include "shm/files.h"
#include "shm/gap.h"
#include "shm/lock.h"
#include "shm/producer.h"
#include "shm/recovery.h"
#include "shm/segment.h"

namespace nnoe::journal {

// Keys of the last records about leases, for append_page: newest last.
class Recent {
 public:
  void push(uint64_t key, uint64_t seq) noexcept {
    const uint64_t at = next_++ & (kEntries - 1);
    keys_[at] = key;
    seqs_[at] = seq;
  }
  // Whether it reaches back to every record after `at`.
  bool covers(uint64_t at) const noexcept { return next_ < kEntries || seqs_[next_ & (kEntries - 1)] <= at; }
  bool has_after(uint64_t at, uint64_t key) const noexcept;

 private:
  // Bounds what append_page does under the mutex: for a page of 100 at most 100,000 comparisons.
  static constexpr size_t kEntries = 1024;
  std::array<uint64_t, kEntries> keys_{};
  std::array<uint64_t, kEntries> seqs_{};
  uint64_t next_ = 0;
};

using Reports = std::vector<std::pair<Event, std::string>>;

class Writer {
 public:
  explicit Writer(const Options& options) : options_(options) {}

  uint64_t append(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept;
  int append_page(uint64_t at, const Producer::Item* items, size_t count) noexcept;
  uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }

  // For the producer's own thread.
  void install(Opened opened);  // begins writing, with the gap first
  bool writable();
  bool open();                    // has a journal, writable or not
  bool resume(Reports& reports);  // creates the segment that could not be created; false: still cannot
  // Makes the next segment ahead of need, without the mutex; false: could not.
  bool prepare(bool even_unwritable, Error& error);
  void unmap_retired();
  void free_passed(uint64_t seq);  // unlinks segments whose last sequence is <= seq
  void unwritable(const Error& error, Reports& reports);
  void sleeping();  // the host says that it sleeps
  void signal() noexcept;
  void tell(const Reports& reports) noexcept;  // not under the mutex
  void close();                                // records a clean end
  int bell() const noexcept { return files_.bell.get(); }
  int dir() const noexcept { return files_.dir.get(); }
  void fill(Status& status);
  uint64_t bytes_after(uint64_t seq);
  // Set before install: called under the mutex when the producer's thread has something to do.
  void on_work(int event_fd) { work_fd_ = event_fd; }

 private:
  uint64_t put(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept;
  uint64_t append_locked(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept;
  uint64_t append_waiting(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept;
  uint64_t append_crossing(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept;
  uint64_t room() const noexcept { return static_cast<uint64_t>(limit_ - at_); }
  bool make_room(uint64_t bytes, Reports& reports) noexcept;
  bool next_segment(Reports& reports);
  void use(Mapping mapping, uint64_t number);
  std::vector<uint64_t> over_cap(Reports& reports);
  Mapping create(uint64_t number, bool prefault, Error& error);
  void fail(const std::string& reason, Reports& reports);
  uint64_t drop(uint64_t count, Reports& reports) noexcept;
  void put_gap(const Gap& gap) noexcept;
  bool take_sleeper() noexcept;
  void kick() noexcept;

  const Options options_;
  int work_fd_ = -1;
  Opened files_;  // descriptors and ids are fixed after install

  Lock mutex_;  // guards everything down to the blank line
  Mapping active_;
  const Crc32cSeal seal_ = crc32c_seal;  // beside what it is used with
  uint8_t* at_ = nullptr;                // where the next record goes in it
  uint8_t* limit_ = nullptr;             // its end; at_ while nothing may be written
  uint64_t next_seq_ = 0;
  uint64_t next_number_ = 1;
  std::deque<SegmentInfo> segments_;  // active one last
  uint64_t total_bytes_ = 0;          // of segments_ and the prepared one
  std::vector<Mapping> retired_;
  Recent recent_;
  uint64_t recent_from_ = 0;  // appends were dropped up to here: recent_ says nothing about what came before
  bool sleeper_ = false;      // the host wants a signal for the next record
  uint64_t signalled_ = 0;    // head when the last signal was sent
  uint64_t dropped_ = 0;
  uint64_t dropped_before_ = 0;  // of these, already told in a Gap record
  bool told_ = false;            // kUnwritable was reported for this time
  std::string reason_ = "not opened yet";
  uint64_t slowest_ = 0;  // as last seen by free_passed

  std::mutex prepare_mutex_;  // taken alone or after mutex_, never before it; guards the next two
  Mapping prepared_;
  uint64_t prepared_number_ = 0;

  // SYNC write:head - stored under mutex_ with release after the commit word; partner: head(), acquire, so
  // that who reads a lease after head() sees what Kea did before it appended.
  std::atomic<uint64_t> head_{0};
};

}  // namespace nnoe::journal
