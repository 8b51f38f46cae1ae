// SPDX-License-Identifier: MPL-2.0
#include "shm/scan.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "shm/crc32c.h"

namespace nnoe::journal {
namespace {

constexpr uint64_t kSmallChunk = 8 * 1024;
constexpr uint64_t kLargeChunk = 256 * 1024;
constexpr uint64_t kSearchBudget = 4;  // times the segment's size
static_assert(kLargeChunk >= layout::record_bytes(kMaxPayload));

uint64_t load(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

bool plausible(uint64_t commit, uint64_t room) {
  const uint8_t kind = layout::kind_of(commit);
  const uint32_t length = layout::length_of(commit);
  return kind != 0 && kind != layout::kEndKind && length <= kMaxPayload &&
         layout::record_bytes(length) <= room;
}

bool checksum_holds(uint64_t commit, const uint8_t* header) {
  const uint32_t length = layout::length_of(commit);
  const auto low = static_cast<uint32_t>(commit);
  uint32_t crc = crc32c(0, header + sizeof(layout::RecordHeader), length);
  crc = crc32c(crc, header + offsetof(layout::RecordHeader, seq), sizeof(uint64_t));
  return crc32c(crc, &low, sizeof low) == layout::crc_of(commit);
}

}  // namespace

Scan::Scan(Fd fd) : fd_(std::move(fd)), chunk_(kSmallChunk) {
  const int64_t size = regular_size(fd_.get());
  size_ = size < 0 ? 0 : std::min(static_cast<uint64_t>(size), layout::kMaxSegment);
  size_ -= size_ % layout::kAlign;
}

uint64_t Scan::word(uint64_t offset) const noexcept { return load(window_.data() + (offset - start_)); }

void Scan::fill(uint64_t offset, uint64_t bytes) {
  const uint64_t want = std::min(std::max(chunk_, bytes), size_ - offset);
  if (window_.size() < want) window_.resize(want);
  filled_ = read_at(fd_.get(), window_.data(), want, offset);
  start_ = offset;
}

Found Scan::parse(uint64_t offset, Record& record) {
  if (!holds(offset, sizeof(uint64_t))) return Found::kDamaged;
  const uint64_t commit = word(offset);
  if (commit == 0) return Found::kNothing;
  if (commit == layout::kEndWord) return Found::kEnd;
  if (!plausible(commit, size_ - offset)) return Found::kDamaged;
  const uint64_t bytes = layout::record_bytes(layout::length_of(commit));
  if (!holds(offset, bytes)) {
    fill(offset, bytes);
    if (!holds(offset, bytes) || word(offset) != commit) return Found::kDamaged;
  }
  const uint8_t* header = window_.data() + (offset - start_);
  if (!checksum_holds(commit, header)) return Found::kDamaged;
  record.seq = load(header + offsetof(layout::RecordHeader, seq));
  record.payload = header + sizeof(layout::RecordHeader);
  record.size = layout::length_of(commit);
  record.kind = layout::kind_of(commit);
  record.offset = offset;
  record.next = offset + bytes;
  return record.seq <= layout::kMaxSeq ? Found::kRecord : Found::kDamaged;
}

Found Scan::at(uint64_t offset, Record& record) {
  if (offset + sizeof(uint64_t) > size_) return Found::kEnd;
  const bool moved_on = offset >= start_ + filled_ && filled_ > 0;
  if (!holds(offset, sizeof(layout::RecordHeader))) {
    if (moved_on) chunk_ = kLargeChunk;
    fill(offset, sizeof(layout::RecordHeader));
  }
  Found found = parse(offset, record);
  // What is read while it is being written can be torn: a commit word with an older payload. One that was
  // seen in an earlier read is known to be stored, so only a read after that one tells damage.
  for (int look = 0; look < 2 && (found == Found::kNothing || found == Found::kDamaged); ++look) {
    const bool nothing = found == Found::kNothing;
    // SYNC read:commit - partner of the release store in Writer::put. Whoever has seen a commit word sees
    // all of its record in a read that begins after this fence.
    std::atomic_thread_fence(std::memory_order_acquire);
    chunk_ = kSmallChunk;
    fill(offset, sizeof(layout::RecordHeader));
    found = parse(offset, record);
    if (nothing && found == Found::kNothing) break;
  }
  return found;
}

bool Scan::find(uint64_t from, uint64_t min_seq, uint64_t max_seq, Record& record) {
  uint64_t budget = kSearchBudget * size_ + kLargeChunk;
  chunk_ = kLargeChunk;
  from += (layout::kAlign - from % layout::kAlign) % layout::kAlign;
  for (uint64_t at = from; at + sizeof(layout::RecordHeader) <= size_; at += layout::kAlign) {
    if (!holds(at, sizeof(layout::RecordHeader))) {
      fill(at, sizeof(layout::RecordHeader));
      if (!holds(at, sizeof(layout::RecordHeader))) return false;
    }
    const uint64_t commit = word(at);
    if (commit == 0 || !plausible(commit, size_ - at)) continue;
    const uint64_t seq = word(at + sizeof(uint64_t));
    if (seq < min_seq || seq > max_seq) continue;
    const uint64_t cost = layout::record_bytes(layout::length_of(commit));
    if (cost > budget) return false;
    budget -= cost;
    if (parse(at, record) == Found::kRecord) return true;
  }
  return false;
}

bool Scan::zero_from(uint64_t from) {
  chunk_ = kLargeChunk;
  for (uint64_t at = from; at < size_; at += filled_) {
    fill(at, kLargeChunk);
    if (filled_ == 0) return false;
    const auto end = window_.begin() + static_cast<std::ptrdiff_t>(filled_);
    if (std::any_of(window_.begin(), end, [](uint8_t byte) { return byte != 0; })) return false;
  }
  return true;
}

}  // namespace nnoe::journal
