// SPDX-License-Identifier: MPL-2.0
#include "shm/recovery.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shm/cursors.h"
#include "shm/layout.h"
#include "shm/set_aside.h"
#include "shm/tail.h"

namespace nnoe::journal {
namespace {

using event::GapReason;

bool lock_directory(const Options& options, Opened& out, Error& error) {
  if (!make_directories(options.directory, error)) return false;
  out.dir = Fd(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!out.dir) return error = system_error("open", options.directory), false;
  out.lock = open_below(out.dir.get(), layout::kLockName, O_RDWR | O_CREAT);
  if (!out.lock) return error = system_error("open", options.directory + "/" + layout::kLockName), false;
  if (::flock(out.lock.get(), LOCK_EX | LOCK_NB) != 0) {
    error = errno == EWOULDBLOCK ? Error{EWOULDBLOCK, "another producer holds " + options.directory}
                                 : system_error("lock", options.directory + "/" + layout::kLockName);
    return false;
  }
  make_cursors(out.dir.get());  // the host makes it otherwise
  out.wake = open_fifo(out.dir.get(), layout::kWakeName, true, error);
  if (out.wake) out.bell = open_fifo(out.dir.get(), layout::kBellName, true, error);
  return static_cast<bool>(out.bell);
}

uint64_t highest_cursor(int dir) {
  uint64_t highest = 0;
  for (const CursorState& cursor : read_cursors(dir)) highest = std::max(highest, cursor.seq);
  return highest;
}

// A sequence beyond this was never given out: the clock reaches it in the 22nd century. What shows one is
// damaged.
constexpr uint64_t kBelievable = layout::kMaxSeq / 4 * 3;

uint64_t believed(uint64_t seq) { return seq <= kBelievable ? seq : 0; }

// Where sequences go on when those already given out are not all known: above anything seen, above what the
// rest of a segment can have held, and above anything that an unseen predecessor gave out, as long as the
// clock goes forward and it gave out fewer than a million a second. `head` 0: none seen.
uint64_t jump_seq(int dir, uint64_t head) {
  constexpr uint64_t kMostLost = layout::kMaxSegment / sizeof(layout::RecordHeader);
  const uint64_t after_head = believed(head) == 0 ? 0 : head + kMostLost;
  return std::max({now_us() / 1000000u << 20, after_head, believed(highest_cursor(dir))}) + 1;
}

// The reason why what is there cannot be gone on with; empty when it can.
std::string unusable(Check check, const layout::Meta& meta, const std::vector<uint64_t>& numbers,
                     const Inventory& inventory) {
  if (check == Check::kVersion) return "it has " + other_version(meta.version);
  if (check == Check::kDamaged && numbers.empty()) return "its meta file is damaged";
  if (inventory.other_version) return "a segment has " + other_version(*inventory.other_version);
  if (check == Check::kGood || numbers.empty()) return "";
  return inventory.id ? "" : "neither its meta file nor a segment can be read";
}

// `head`: the highest sequence seen in what was there before.
void begin_new(Opened& out, uint64_t head) {
  out.id = random_id();
  out.next_seq = jump_seq(out.dir.get(), head);
  out.meta = {};
  out.meta.base = out.next_seq - 1;
  out.meta.created_us = now_us();
  out.gap = Gap{0, 0, 0, GapReason::kNewJournal};
  out.next_number = 1;
}

// Whether the process before ended in order, or was killed on this boot: the page cache holds all it wrote.
bool nothing_lost(const Opened& out, Check meta, uint64_t head) {
  if (meta != Check::kGood) return false;
  if (out.meta.clean == 1 && out.meta.head != head) return false;
  if (out.segments.empty() && out.meta.generation > 1) return false;
  const Id boot = boot_id();
  if (boot != Id{} && std::equal(boot.begin(), boot.end(), out.meta.boot)) return true;
  return out.meta.clean == 1;
}

// The journal's identity and segments, as its files show them, and where its records end.
Tail locate(Opened& out, Check meta, const Inventory& inventory) {
  if (meta == Check::kGood) {
    std::copy(std::begin(out.meta.id), std::end(out.meta.id), out.id.begin());
  } else {
    out.id = *inventory.id;
    out.meta = {};
    out.meta.base =
        inventory.segments.empty() ? 0 : std::max<uint64_t>(inventory.segments[0].first_seq, 1) - 1;
    out.meta.created_us = now_us();
  }
  out.segments.assign(inventory.segments.begin(), inventory.segments.end());
  return find_tail(out.dir.get(), out.id, out.segments, out.meta.base);
}

bool go_on(Opened& out, Check meta, Tail& tail, Error& error) {
  const bool known =
      nothing_lost(out, meta, tail.head) && !tail.lost && highest_cursor(out.dir.get()) <= tail.head;
  out.next_seq = tail.head + 1;
  out.next_number = std::max(tail.next_number, out.next_number);
  if (known && tail.number != 0) {
    out.active = map_segment(out.dir.get(), tail.number, tail.bytes, error);
    if (!out.active) return false;
    out.offset = tail.offset;
    if (zero_rest(out.active, tail.offset)) {
      out.reports.emplace_back(Event::kRecovered, "an unfinished record after " + std::to_string(tail.head) +
                                                      " was removed; writing goes on there");
    }
  } else if (known) {
    // Killed between two segments, or before the first: the next one is created by whoever needs it.
  } else {
    seal(out.dir.get(), tail);
    out.next_seq = jump_seq(out.dir.get(), tail.head);
    out.gap = Gap{tail.head + 1, out.next_seq - 1, 0, GapReason::kDamaged};
    out.reports.emplace_back(Event::kRecovered, "records after " + std::to_string(tail.head) +
                                                    " may be lost; writing goes on at " +
                                                    std::to_string(out.next_seq));
  }
  if (tail.head == out.meta.base && known) out.gap = Gap{0, 0, 0, GapReason::kNewJournal};
  return true;
}

// Puts everything that is there aside and begins anew.
bool replace(Opened& out, const Options& options, const std::vector<uint64_t>& numbers, uint64_t head,
             const std::string& reason, Error& error) {
  std::string where;
  if (!set_aside(out.dir.get(), numbers, true, where, error)) return false;
  out.reports.emplace_back(Event::kReplaced, reason + "; kept in " + options.directory + "/" + where);
  out.segments.clear();
  begin_new(out, head);
  return true;
}

}  // namespace

std::optional<Opened> open_journal(const Options& options, Error& error) {
  Opened out;
  if (!lock_directory(options, out, error)) return std::nullopt;
  const Check meta = read_meta(out.dir.get(), out.meta, error);
  if (meta == Check::kDenied) return std::nullopt;
  std::vector<uint64_t> numbers;
  if (!list_segments(out.dir.get(), numbers, error)) return std::nullopt;
  Id known{};
  std::copy(std::begin(out.meta.id), std::end(out.meta.id), known.begin());
  Inventory inventory;
  if (!take_inventory(out.dir.get(), numbers, meta == Check::kGood ? &known : nullptr, inventory, error)) {
    return std::nullopt;
  }
  const std::string reason = unusable(meta, out.meta, numbers, inventory);
  if (!reason.empty()) {
    HeadHint hint;
    const uint64_t head = find_extent(out.dir.get(), numbers, hint).head;
    if (!replace(out, options, numbers, head, reason, error)) return std::nullopt;
  } else if (meta != Check::kGood && numbers.empty()) {
    begin_new(out, 0);
  } else {
    if (!inventory.foreign.empty()) {
      std::string where;
      if (!set_aside(out.dir.get(), inventory.foreign, false, where, error)) return std::nullopt;
      out.reports.emplace_back(Event::kRecovered, "segments of another journal were put into " + where);
    }
    Tail tail = locate(out, meta, inventory);
    const bool sound = tail.head <= kBelievable;
    if (!(sound ? go_on(out, meta, tail, error)
                : replace(out, options, numbers, 0, "its sequences have run out", error))) {
      return std::nullopt;
    }
  }
  const Id boot = boot_id();
  std::copy(boot.begin(), boot.end(), out.meta.boot);
  std::copy(out.id.begin(), out.id.end(), out.meta.id);
  out.meta.clean = 0;
  out.meta.head = 0;
  ++out.meta.generation;
  if (!write_meta(out.dir.get(), out.meta, error)) return std::nullopt;
  const std::string opened = options.directory + ", journal " + hex(out.id) + ", head ";
  out.reports.emplace_back(Event::kOpened, opened + std::to_string(out.next_seq - 1));
  return out;
}

}  // namespace nnoe::journal
