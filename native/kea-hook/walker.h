// SPDX-License-Identifier: MPL-2.0
// The walk over Kea's lease database: one code path for start, gap, resync, wipe and deletion by identifier.
// Requests come from any thread; pages are read on Kea's main thread, 100 leases at a time and at most every
// 2 ms, and not at all while consumers are more than half the journal's cap behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "counters.h"
#include "expiring.h"
#include "lease_source.h"
#include "owners.h"
#include "pacer.h"
#include "params.h"
#include "parking.h"
#include "shm/producer.h"
#include "walk_mark.h"

namespace nnoe::hook {

class Walker {
 public:
  // What the walker shares with the callouts; all of it outlives the walker.
  struct Context {
    const Params& params;
    int family;
    journal::Producer& producer;
    Counters& counters;
    Owners& owners;
    Expiring& expiring;
    Parking& parking;
  };
  explicit Walker(const Context& context);
  // Main thread. A walk in progress gets its end record, complete=false, and stays in the mark.
  ~Walker();

  // Any thread.
  void request(WalkRange range) noexcept;
  // Parking::filled() said so.
  void look_soon() noexcept;

  struct View {
    bool active = false;
    WalkRange range{};
    uint64_t id = 0;      // sequence number of its begin record
    uint64_t leases = 0;  // SNAPSHOT records so far
    bool paused = false;  // consumers are behind
    size_t waiting = 0;   // walks not begun
    uint64_t completed = 0;
  };
  View view() const;

 private:
  struct Current {
    WalkRange range;
    uint64_t id;
    uint64_t leases;
  };

  void step() noexcept;                                // main thread, when the pacer says so
  std::optional<std::chrono::microseconds> advance();  // when to go on; nothing: when asked
  void decide_start();
  void watch_parking();
  bool begin();
  bool write_page();  // false: that was the last one
  void end(bool complete);
  bool enqueue(WalkRange range);
  void save();  // mutex_ held
  bool journal_has_room() const;
  std::vector<WalkRange> outstanding() const;  // mutex_ held

  const Context context_;
  LeaseSource source_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<WalkRange> queue_;
  std::optional<Current> current_;
  WalkMark mark_;
  bool owed_ = false;                // a walk that the parking lot puts off
  bool decided_ = false;             // whether this process has to walk at its start
  std::atomic<bool> paused_{false};  // for view(); relaxed would do
  bool mark_failed_ = false;
  uint64_t completed_ = 0;
  std::vector<uint8_t> arena_;  // encoded records of one page; main thread only
  Pacer pacer_;                 // last: its thread uses all of the above
};

}  // namespace nnoe::hook
