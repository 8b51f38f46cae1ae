// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/decision_reader.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "shm/crc32c.h"

namespace nnoe::tables {
namespace {

using journal::Fd;

// Of a word that changes while it is read: how often two looks may differ before it is left for the next
// time.
constexpr int kLooks = 16;
// No ring has seen more; larger heads would overflow what is made of them.
constexpr uint64_t kMostBytes = uint64_t{1} << 62;

bool ends_with(const std::string& name, const std::string& suffix) {
  return name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

bool good_header(const DecisionsHeader& header) noexcept {
  const uint64_t ring = header.ring_bytes;
  return header.magic == kDecisionsMagic && header.version == kDecisionsVersion &&
         header.crc == crc32c(0, &header, offsetof(DecisionsHeader, crc)) && ring >= kMinRing &&
         ring <= kMaxRing && (ring & (ring - 1)) == 0 && header.slot_bytes == kRingAt + ring;
}

// Whether `record`, with `room` bytes from its first on, can be what a bridge wrote, so that others may use
// it.
bool good_record(const DecisionRecord& record, size_t room) noexcept {
  const size_t bytes = size_t{record.words} * 8;
  const size_t used = sizeof record + record.address_bytes + record.name_bytes;
  const Verdict& verdict = record.verdict;
  return bytes <= room && used <= bytes && bytes - used < 8 && record.name_bytes != 0 &&
         (record.address_bytes == 4 || record.address_bytes == 16) &&
         static_cast<uint32_t>(verdict.act) < kActs && static_cast<uint32_t>(verdict.reason) < kReasons &&
         verdict.action < kMaxActions && verdict.role_set < kMaxRoleSets &&
         (verdict.list < kMaxLists || verdict.list == kNoList);
}

}  // namespace

bool DecisionReader::list(const std::string& directory, std::vector<std::string>& names, std::string& why) {
  const Fd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return why = journal::system_error("open", directory).text, false;
  std::vector<std::string> all;
  journal::Error error;
  if (!journal::list_names(dir.get(), all, error)) return why = error.text, false;
  for (std::string& name : all)
    if (ends_with(name, kDecisionsSuffix)) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return true;
}

DecisionReader::DecisionReader(Fd fd, std::string path, const DecisionsHeader& header)
    : fd_(std::move(fd)), path_(std::move(path)), header_(header), block_(kRingBlock) {}

std::unique_ptr<DecisionReader> DecisionReader::open(const std::string& path, std::string& why) {
  // O_NONBLOCK: a FIFO in its place does not hold us up.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd || journal::regular_size(fd.get()) < 0)
    return why = journal::system_error("open", path).text, nullptr;
  DecisionsHeader header{};
  if (journal::read_at(fd.get(), &header, sizeof header, 0) != sizeof header || !good_header(header))
    return why = path + " is not a file of decisions, or damaged", nullptr;
  header.bridge[sizeof header.bridge - 1] = 0;
  header.dnsdist[sizeof header.dnsdist - 1] = 0;
  return std::unique_ptr<DecisionReader>(new DecisionReader(std::move(fd), path, header));
}

bool DecisionReader::alive() const {
  // Shared, so that two who ask at once do not take each other for the process.
  if (::flock(fd_.get(), LOCK_SH | LOCK_NB) != 0) return true;
  ::flock(fd_.get(), LOCK_UN);
  return false;
}

void DecisionReader::unlink() const { ::unlink(path_.c_str()); }

bool DecisionReader::status(DecisionStatus& out) const {
  for (int look = 0; look < kLooks; ++look) {
    DecisionsStatus shown{};
    uint64_t after = 0;
    // SYNC status: even and the same before and after.
    if (journal::read_at(fd_.get(), &shown, sizeof shown, kStatusAt) != sizeof shown) return false;
    if (journal::read_at(fd_.get(), &after, sizeof after, kStatusAt) != sizeof after) return false;
    if (shown.sequence != after || after % 2 != 0) continue;
    shown.threads = std::min(shown.threads, kMaxSlots);
    shown.reason[kReasonText - 1] = 0;
    out = {header_, shown};
    return true;
  }
  return false;
}

bool DecisionReader::counters(std::vector<uint64_t>& sums) const {
  DecisionStatus now{};
  if (!status(now)) return false;
  sums.assign(kCounters, 0);
  std::vector<uint64_t> slot(kCounters);
  for (size_t i = 0; i < now.tables.threads; ++i) {
    const size_t bytes = slot.size() * sizeof slot[0];
    if (journal::read_at(fd_.get(), slot.data(), bytes, slot_at(i) + kCountersAt) != bytes) return false;
    for (size_t k = 0; k < kCounters; ++k) sums[k] += slot[k];
  }
  return true;
}

bool DecisionReader::head(size_t slot, uint64_t& head) const noexcept {
  uint64_t last = 1;  // no head is odd
  for (int look = 0; look < kLooks; ++look) {
    // SYNC head: the writer's release store; a system call is no less than an acquire. A copy need not be
    // made in one piece, so two in a row have to agree.
    if (journal::read_at(fd_.get(), &head, sizeof head, slot_at(slot)) != sizeof head) return false;
    if (head == last) return head % 8 == 0 && head <= kMostBytes;
    last = head;
  }
  return false;
}

size_t DecisionReader::read(uint8_t* out, size_t capacity) {
  DecisionStatus now{};
  if (!status(now)) return 0;
  places_.resize(std::max<size_t>(places_.size(), now.tables.threads));
  for (size_t turn = 0; turn < places_.size(); ++turn) {
    const size_t slot = next_ % places_.size();
    ++next_;
    const size_t bytes = read_slot(slot, out, capacity);
    if (bytes != 0) return bytes;
  }
  return 0;
}

size_t DecisionReader::read_slot(size_t slot, uint8_t* out, size_t capacity) {
  Place& place = places_[slot];
  const uint64_t ring = header_.ring_bytes;
  const auto oldest = [ring](uint64_t head) {
    return head + kRingDirty > ring ? head + kRingDirty - ring : 0;
  };
  size_t done = 0;
  uint64_t end = 0;
  // What is overtaken again and again while it is copied is left for the next time.
  for (int lost = 0; lost < kLooks && capacity - done >= kRingBlock;) {
    if (!head(slot, end) || end <= place.tail) break;
    if (place.tail < oldest(end)) {
      // Every block begins with a record, and where the head is one will begin. Who was overtaken while
      // copying gives up half of the rest, or it would be overtaken again and again.
      const uint64_t from = oldest(end) + (lost == 0 ? 0 : ring / 2);
      place.tail = std::min<uint64_t>(end, (from + kRingBlock - 1) / kRingBlock * kRingBlock);
      continue;
    }
    const uint64_t block_end = (place.tail / kRingBlock + 1) * kRingBlock;
    const auto bytes = static_cast<size_t>(std::min(end, block_end) - place.tail);
    const uint64_t at = slot_at(slot) + kRingAt + place.tail % ring;
    if (journal::read_at(fd_.get(), block_.data(), bytes, at) != bytes) break;
    if (!head(slot, end)) break;
    if (place.tail < oldest(end)) {
      ++lost;
      continue;
    }
    done += take(place, bytes, out + done);
  }
  return done;
}

// Copies the records of the `bytes` in block_ to `out`; returns how many bytes these are.
size_t DecisionReader::take(Place& place, size_t bytes, uint8_t* out) {
  size_t made = 0;
  for (size_t at = 0; at < bytes && block_[at] != 0;) {
    DecisionRecord record{};
    const size_t room = bytes - at;
    if (room >= sizeof record) std::memcpy(&record, block_.data() + at, sizeof record);
    if (!good_record(record, room) || record.number < place.number) {
      ++damaged_;
      break;
    }
    const size_t size = size_t{record.words} * 8;
    std::memcpy(out + made, block_.data() + at, size);
    made += size;
    at += size;
    lost_ += record.number - place.number;
    place.number = record.number + 1;
    ++delivered_;
  }
  place.tail += bytes;
  return made;
}

}  // namespace nnoe::tables
