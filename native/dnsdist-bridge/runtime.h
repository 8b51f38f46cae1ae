// SPDX-License-Identifier: MPL-2.0
// The bridge in one process: a helper thread that keeps the newest good generation of a tables directory, and
// what a query thread does with it. Query threads share nothing that changes but one pointer; they make no
// system call, take no lock and allocate nothing, except once when a thread asks for the first time.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "dnsdist-bridge/asker.h"
#include "shm/files.h"
#include "shm/tables/actions.h"
#include "shm/tables/decision_writer.h"
#include "shm/tables/epochs.h"
#include "shm/tables/generation.h"
#include "shm/tables/verdict.h"

namespace nnoe::tables {
struct Decided;
class QueryName;
}  // namespace nnoe::tables

namespace nnoe::bridge {

struct Options {
  std::string directory;  // of the tables, absolute
  std::string decisions;  // where counters, records and questions go, absolute; empty: nowhere
  std::string server;     // what it was loaded into, such as "dnsdist 1.7.3"; for the status
  std::string bridge;     // version of this library, likewise
  uint32_t sampling = 1;  // one decision in so many is recorded, 0: none; all are counted
  bool fail_closed = false;
};

class Runtime {
 public:
  // Never fails for what the directory holds or lacks: queries get what `fail` says until there is a
  // generation, and `why` says so. Null and `why` when there is no memory or no thread.
  static std::unique_ptr<Runtime> start(const Options& options, std::string& why) noexcept;
  // Whoever ends it has seen to it that no thread is inside a Query.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  class Query;  // query.h

  // Generation that queries get now; 0: none.
  uint64_t generation() const noexcept;

 private:
  struct Shared;
  struct Thread;
  struct Threads;
  struct Last;

  static const tables::Generation kNothing;  // what queries get before there is something

  explicit Runtime(const Options& options);
  // The calling thread, inside from now on (Epochs); null when there is no memory.
  Thread* enter() noexcept;
  Thread* enter_any() noexcept;
  Thread* join() noexcept;
  // The verdict of a query whose role set has no program: by what was ruled, or as it was.
  tables::PackedVerdict consult(const Thread& thread, const tables::Generation& tables,
                                tables::Question question, const tables::QueryName& name,
                                tables::PackedVerdict verdict) const noexcept;
  // Of a query that is none of the usual ones: its verdict, counted and recorded.
  tables::PackedVerdict rest(const Thread& thread, const tables::Generation& tables,
                             tables::Question question, tables::QueryName& name,
                             tables::Decided so_far) const noexcept;
  void run() noexcept;
  void try_look(bool again) noexcept;
  void look(bool again);
  void replace(std::shared_ptr<const tables::Generation> next);
  void keep_decisions();

  const Options options_;
  const tables::Act fail_;
  const uint64_t number_;  // of this runtime in the process; never used again
  std::atomic<const tables::Generation*> current_{&kNothing};
  std::shared_ptr<Shared> shared_;
  tables::GenerationLoader loader_;
  std::shared_ptr<const tables::Generation> held_;     // what queries get; the helper's
  std::unique_ptr<tables::DecisionWriter> decisions_;  // null: nobody is told
  std::string complaint_;                              // of decisions_, said once
  std::unique_ptr<Asker> asker_;                       // null: nobody is asked
  journal::Fd stop_;                                   // eventfd
  std::thread helper_;
};

}  // namespace nnoe::bridge
