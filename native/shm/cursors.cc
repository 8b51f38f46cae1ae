// SPDX-License-Identifier: MPL-2.0
#include "shm/cursors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shm/crc32c.h"
#include "shm/layout.h"

namespace nnoe::journal {
namespace {

using layout::CursorSlot;

// At most this many cursor files are read, so that a directory full of them costs no more.
constexpr size_t kMaxCursors = 64;

uint32_t checksum(const CursorSlot& slot) { return crc32c(0, &slot, offsetof(CursorSlot, crc)); }

bool valid(const CursorSlot& slot, const std::string& name) {
  return slot.magic == layout::kCursorMagic && slot.version == layout::kVersion &&
         slot.crc == checksum(slot) && slot.seq <= layout::kMaxSeq &&
         slot.name[layout::kCursorName - 1] == 0 && name == slot.name;
}

// The newer of the two slots.
bool read_slots(int fd, const std::string& name, CursorState& state) {
  CursorSlot slots[2] = {};
  if (regular_size(fd) < 0) return false;
  const size_t size = read_at(fd, slots, sizeof slots, 0);
  bool found = false;
  for (size_t i = 0; i < 2 && (i + 1) * sizeof(CursorSlot) <= size; ++i) {
    if (!valid(slots[i], name) || (found && slots[i].generation < state.generation)) continue;
    state.name = name;
    std::copy(std::begin(slots[i].id), std::end(slots[i].id), state.id.begin());
    state.seq = slots[i].seq;
    state.generation = slots[i].generation;
    found = true;
  }
  return found;
}

std::string file_name(const std::string& name) { return name + layout::kCursorSuffix; }

}  // namespace

bool valid_cursor_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() < layout::kCursorName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::vector<CursorState> read_cursors(int journal_dir) {
  std::vector<CursorState> cursors;
  const Fd dir = open_below(journal_dir, layout::kCursorsName, O_RDONLY | O_DIRECTORY);
  std::vector<std::string> names;
  Error error;
  if (!dir || !list_names(dir.get(), names, error)) return cursors;
  const std::string suffix = layout::kCursorSuffix;
  for (const std::string& file : names) {
    if (cursors.size() == kMaxCursors) break;
    if (file.size() <= suffix.size() || file.substr(file.size() - suffix.size()) != suffix) continue;
    const std::string name = file.substr(0, file.size() - suffix.size());
    if (!valid_cursor_name(name)) continue;
    const Fd fd = open_below(dir.get(), file, O_RDONLY | O_NONBLOCK);
    CursorState state;
    if (fd && read_slots(fd.get(), name, state)) cursors.push_back(state);
  }
  return cursors;
}

void make_cursors(int journal_dir) noexcept {
  constexpr mode_t kMode = 0770;
  if (::mkdirat(journal_dir, layout::kCursorsName, kMode) == 0)
    set_mode(journal_dir, layout::kCursorsName, kMode);
}

bool CursorWriter::set(const std::string& name, const Id& id, uint64_t seq, Error& error) {
  auto at = open_.find(name);
  if (at == open_.end()) {
    Open opened{open_below(dir_.get(), file_name(name), O_RDWR | O_CREAT | O_NONBLOCK), 0};
    if (!opened.fd || regular_size(opened.fd.get()) < 0) {
      error = system_error("open cursor", name);
      return false;
    }
    // The hook may run as anybody: who gets as far as here is for the journal's directory to say.
    ::fchmod(opened.fd.get(), 0644);
    CursorState state;
    if (read_slots(opened.fd.get(), name, state)) opened.generation = state.generation;
    at = open_.emplace(name, std::move(opened)).first;
  }
  CursorSlot slot{};
  slot.magic = layout::kCursorMagic;
  slot.version = layout::kVersion;
  std::copy(id.begin(), id.end(), std::begin(slot.id));
  slot.generation = ++at->second.generation;
  slot.seq = seq;
  std::memcpy(slot.name, name.data(), std::min(name.size(), layout::kCursorName - 1));
  slot.crc = checksum(slot);
  // The slot that is not the newest, so that a write cut short leaves the one before.
  const uint64_t offset = (slot.generation & 1) * sizeof slot;
  if (write_all(at->second.fd.get(), &slot, sizeof slot, offset)) return true;
  error = system_error("write cursor", name);
  open_.erase(at);
  return false;
}

bool CursorWriter::remove(const std::string& name, Error& error) {
  open_.erase(name);
  if (::unlinkat(dir_.get(), file_name(name).c_str(), 0) == 0 || errno == ENOENT) return true;
  error = system_error("remove cursor", name);
  return false;
}

}  // namespace nnoe::journal
