// SPDX-License-Identifier: MPL-2.0
// Cursor files: written by the host alone, read by both sides. See CursorSlot in layout.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shm/files.h"
#include "shm/segment.h"

namespace nnoe::journal {

struct CursorState {
  std::string name;
  Id id{};
  uint64_t seq = 0;
  uint64_t generation = 0;
};

// [a-z0-9._-], 1..63 bytes, not beginning with a dot.
bool valid_cursor_name(const std::string& name);

// Every readable cursor of a journal directory; a file with no valid slot is left out. None when the
// directory `cursors` is absent.
std::vector<CursorState> read_cursors(int journal_dir);

// The directory `cursors`, when it is not there yet: for the group too, whatever the umask of who makes it.
void make_cursors(int journal_dir) noexcept;

// The host's side; one thread.
class CursorWriter {
 public:
  CursorWriter() = default;
  explicit CursorWriter(Fd dir) : dir_(std::move(dir)) {}
  bool set(const std::string& name, const Id& id, uint64_t seq, Error& error);
  bool remove(const std::string& name, Error& error);

 private:
  struct Open {
    Fd fd;
    uint64_t generation = 0;
  };
  Fd dir_;
  std::map<std::string, Open> open_;
};

}  // namespace nnoe::journal
