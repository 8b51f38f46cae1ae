// SPDX-License-Identifier: MPL-2.0
// All bridges of a machine, as the host follows them: a thread of its own makes the directory of decisions,
// finds files, reads them as fast as they are written and sums them up, so that nobody else has to keep pace.
// Of a process that is gone it reads the rest, counts it in for good, and removes the file.
//
// Counters are exact over ends of bridges and of hosts. What is lost: what a process had not yet put into a
// file when it was killed (a thread's first second, or all of it while there was no directory); and all that
// was counted when somebody else removes files of dead processes, or the directory (a reboot does, on /run).
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shm/files.h"
#include "shm/tables/decision_gathered.h"
#include "shm/tables/decision_reader.h"
#include "shm/tables/decision_totals.h"

namespace nnoe::tables {

class DecisionCollector {
 public:
  struct Trouble {
    enum Kind { kNone, kDirectory, kBusy, kFile } kind = kNone;
    std::string why;
  };
  struct State {
    std::vector<DecisionStatus> bridges;  // of live processes
    Trouble trouble;
    uint64_t records = 0;  // since this object is there
    uint64_t lost = 0;
    uint64_t damaged = 0;
  };

  // Of all processes that ever were.
  struct Totals {
    uint64_t version = 0;            // 0: of nothing yet
    std::vector<uint64_t> counters;  // kCounters
  };

  // Starts the thread; throws std::system_error when there is none to be had.
  explicit DecisionCollector(std::string directory);
  // Waits for the thread: some milliseconds.
  ~DecisionCollector();

  State state() const;
  // What came since the last call goes to `out`, in exchange for what that held, which is cleared; totals are
  // copied when `totals` are of another version.
  void take(std::unique_ptr<Gathered>& out, Totals& totals);

 private:
  using Key = std::pair<uint64_t, uint32_t>;  // start and pid
  struct Process {
    std::string name;  // of its file; empty: it has none now
    std::unique_ptr<DecisionReader> reader;
    DecisionStatus status{};
    std::vector<uint64_t> counters;  // of the file; empty: not read yet
    std::vector<uint64_t> floor;     // of files that somebody removed; empty: none
    uint64_t lost = 0;               // of the reader, as far as it was told
    uint64_t damaged = 0;
    bool fresh = true;  // what was overwritten before we came is not counted
  };
  using Processes = std::map<Key, Process>;

  void run() noexcept;
  bool hold_directory();
  void clear_temporaries();
  void scan();
  void find(const std::vector<std::string>& names);
  void meet(const std::string& name);
  void part(Process& process);
  void refresh(Process& process);
  bool bury(Process& process);
  bool drain(Process& process);
  void gather(Process& process, size_t bytes);
  void publish();
  void sum();
  void trouble(Trouble::Kind kind, std::string why);

  const std::string directory_;
  const uint64_t secret_;

  // The thread's own.
  journal::Fd held_;  // the directory
  journal::Fd lock_;
  journal::Looked looked_;
  std::vector<std::string> names_;  // in the directory
  uint64_t since_us_ = 0;           // older records were read by the host before
  bool first_ = true;
  uint64_t scans_ = 0;
  DecisionTotals buried_;
  Processes processes_;
  Bytes batch_;
  State next_;
  std::vector<uint64_t> sums_;  // exchanged for those of totals_
  bool alone_ = false;          // no process when totals were last told

  mutable std::mutex mutex_;  // of what follows; held for less than a millisecond
  std::condition_variable wake_;
  bool stop_ = false;
  State state_;
  Totals totals_;
  std::unique_ptr<Gathered> gathered_;

  std::thread thread_;
};

}  // namespace nnoe::tables
