// SPDX-License-Identifier: MPL-2.0
// The bridge's end of decisions.h. Query threads count and record: no lock, no system call but the vDSO's
// clock now and then, no locked instruction. A helper thread makes the file and keeps slots ready; until
// there is a file (the host may not have run yet), or when it cannot be made, threads count in memory of
// their own, which they add to the file's counters themselves as soon as they have a place there.
#pragma once

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shm/files.h"
#include "shm/tables/decisions.h"

namespace nnoe::tables {

struct DecisionOptions {
  std::string bridge;   // version, for status
  std::string dnsdist;  // likewise
  FailMode fail = FailMode::kOpen;
  uint32_t sampling = 1;               // one decision in so many is recorded, at random; 0: none
  uint64_t ring_bytes = kDefaultRing;  // a thread; a power of 2, kMinRing..kMaxRing
};

// Where a thread counts and records: a slot of a file, or memory of the process, which has no ring.
class DecisionArea {
 public:
  // Memory of the process; throws std::bad_alloc.
  DecisionArea();
  // `mapping` of a slot of a file.
  DecisionArea(journal::Mapping mapping, uint64_t file) noexcept;

  uint64_t* counters() const noexcept { return counters_; }
  uint8_t* ring() const noexcept { return ring_; }
  uint64_t* head() const noexcept { return head_; }
  uint64_t file() const noexcept { return file_; }  // number of the file; 0: none

 private:
  struct Free {
    void operator()(uint64_t* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<uint64_t, Free> own_;  // not touched before it is counted in
  journal::Mapping mapping_;
  uint64_t* counters_;
  uint8_t* ring_ = nullptr;
  uint64_t* head_ = nullptr;
  uint64_t file_ = 0;
};

// A query thread's place, which it alone uses, from claim() to the writer's end. Processors fetch lines of a
// cache in pairs: none is shared with another thread's.
class alignas(128) Slot {
 public:
  // Counts by role set, list and reason: exactly. The verdict is one of tables that were checked.
  void count(PackedVerdict verdict) noexcept {
    const auto act = static_cast<size_t>(verdict.act());
    count(verdict.role_set(), verdict.reason(), verdict.act());
    if (verdict.has_list()) ++counters_[kRoleCounters + size_t{verdict.list()} * kActs + act];
  }
  // The same when no list had a part in it.
  void count(uint32_t role_set, Reason reason, Act act) noexcept {
    uint64_t* const counters = counters_ + static_cast<size_t>(act);
    ++counters[size_t{role_set} * kActs];
    ++counters[kRoleCounters + kListCounters + static_cast<size_t>(reason) * kActs];
  }
  // Of a verdict that was counted: writes a record, when this decision is one of the sample. `name` is the
  // question's in lower case: zeros behind it up to 8 bytes, and 48 readable bytes in all. Its size is 0 when
  // the question has none.
  [[gnu::always_inline]] void record(const Question& question, const uint8_t* name, size_t name_bytes,
                                     PackedVerdict verdict, uint64_t generation) noexcept {
    if (__builtin_expect(name_bytes == 0 || !write_usual(question, name, name_bytes, verdict, generation),
                         0) &&
        (--until_ == 0 || offered_.load(std::memory_order_relaxed) != nullptr))
      record_any(question.copy(), name, name_bytes, verdict, generation);
  }

 private:
  friend class DecisionWriter;

  Slot(uint32_t sampling, uint64_t ring_bytes);
  void move() noexcept;
  bool write_usual(const Question& question, const uint8_t* name, size_t name_bytes, PackedVerdict verdict,
                   uint64_t generation) noexcept;
  void record_any(Question question, const uint8_t* name, size_t name_bytes, PackedVerdict verdict,
                  uint64_t generation) noexcept;
  void write_any(const Question& question, const uint8_t* name, size_t name_bytes, PackedVerdict verdict,
                 uint64_t generation) noexcept;
  void begin(uint8_t* to, uint32_t words, uint32_t address_bytes, size_t name_bytes, uint16_t type,
             PackedVerdict verdict, uint64_t generation) noexcept;
  void publish(uint64_t head) noexcept;
  void go_to(uint64_t head) noexcept;
  uint64_t head() const noexcept { return reinterpret_cast<uintptr_t>(place_) + ahead_; }
  void draw_next() noexcept;

  // The thread's own.
  uint64_t* counters_;
  uint8_t* ring_ = nullptr;
  uint64_t* head_word_ = nullptr;
  uint8_t* place_ = nullptr;      // in the ring, of the next record
  uint64_t ahead_ = 0;            // from place_ to what the head is then, as numbers
  uint8_t* usual_end_ = nullptr;  // of place_: so far there is room for a usual record in its block; null: no
                                  // ring, or not every decision is recorded
  uint64_t until_;                // decisions to the next that is recorded; all ones: none
  uint64_t ring_mask_;
  struct {
    uint64_t number = 0;
    uint64_t time_us = 0;
  } next_;              // record, as it will have it
  uint64_t ticks_ = 0;  // of the processor's counter when next_.time_us was read
  uint64_t fresh_;      // for how many ticks the clock's time is good; 0: asked each time, where there is no
                        // counter too
  uint64_t random_;
  uint32_t sampling_;
  std::unique_ptr<DecisionArea> first_;

  // SYNC offer: the helper stores an area with release, move() loads it with acquire.
  // SYNC moved: move() stores `used_`, then empties `offered_`, both with release; the helper loads them the
  // other way round with acquire. So it sees in one of them each area that the thread may still touch.
  std::atomic<DecisionArea*> offered_{nullptr};
  std::atomic<DecisionArea*> used_;
};

class DecisionWriter {
 public:
  // Touches no file: maintain() does. Throws std::bad_alloc alone; bad options are cut to what is allowed.
  static std::unique_ptr<DecisionWriter> create(std::string directory, const DecisionOptions& options);
  ~DecisionWriter();  // no slot may be in use any more

  // A query thread's slot; nullptr when memory is short. Takes a lock and allocates: once a thread.
  Slot* claim() noexcept;

  // For the helper thread, every second or so and after a claim: makes the file when it is not there (never
  // the directory: that is the host's), gives slots in it to threads that have none. False with the reason in
  // `why` when there is no file now; counting goes on.
  bool maintain(std::string& why);

  // For status; helper thread only. They survive until there is a file, and a change of file.
  void set_loaded(uint64_t generation, uint64_t table_bytes);
  void set_refused(uint64_t generation, const std::string& reason);

 private:
  struct File {
    uint64_t number = 0;
    journal::Fd fd;  // holds the lock
    journal::Mapping page;
    uint32_t slots = 0;  // given to threads
  };

  DecisionWriter(std::string directory, DecisionOptions options);
  bool make_file(std::string& why);
  bool give_slots(std::string& why);
  std::unique_ptr<DecisionArea> next_area(std::string& why);
  void drop_unused();
  void publish_status();

  const std::string directory_;
  const DecisionOptions options_;
  const uint64_t started_us_;
  DecisionsStatus status_{};
  std::unique_ptr<File> file_;
  uint64_t files_ = 0;
  std::vector<std::unique_ptr<DecisionArea>> areas_;  // in use or offered

  std::mutex mutex_;  // of slots_
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace nnoe::tables

#include "shm/tables/decision_slot.h"
