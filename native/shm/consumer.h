// SPDX-License-Identifier: MPL-2.0
// The host's side of a journal directory: the lock against a second host, cursors, doorbell, status.
// One thread uses it. Of the directory it writes only `cursors/` and single bytes into the FIFOs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shm/cursors.h"
#include "shm/files.h"
#include "shm/reader.h"
#include "shm/tail.h"

namespace nnoe::journal {

enum class Refusal { kNone, kAbsent, kBusy, kVersion, kDenied, kIo };

struct JournalStatus {
  Id id{};
  uint64_t head = 0;    // 0 when empty
  uint64_t oldest = 0;  // 0 when empty
  uint64_t segments = 0;
  uint64_t bytes = 0;
};

class Consumer {
 public:
  // Null, with the reason, when refused.
  static std::unique_ptr<Consumer> open(const std::string& directory, Refusal& refusal, Error& error);

  std::unique_ptr<Reader> reader(uint64_t after, Error& error);
  bool status(JournalStatus& status, Error& error);
  std::vector<CursorState> cursors() const { return read_cursors(dir_.get()); }
  bool set_cursor(const std::string& name, uint64_t seq, Error& error);
  bool remove_cursor(const std::string& name, Error& error) { return writer_.remove(name, error); }

  // Tells the producer that the next record is to be signalled. Whoever calls looks once more afterwards.
  void arm() noexcept;
  void request_walk() noexcept;
  int wake_fd() const noexcept { return wake_.get(); }
  static void drain(int wake_fd) noexcept;  // takes the signals out of the FIFO

 private:
  Consumer() = default;
  bool load_meta(layout::Meta& meta, Error& error) const;

  Id id_{};  // of the journal when it was opened
  Fd dir_, cursors_, lock_, wake_, bell_;
  CursorWriter writer_;
  HeadHint hint_;
  uint32_t hint_generation_ = 0;  // of the producer, when the hint was taken
};

}  // namespace nnoe::journal
