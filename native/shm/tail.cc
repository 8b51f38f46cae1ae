// SPDX-License-Identifier: MPL-2.0
#include "shm/tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shm/layout.h"
#include "shm/scan.h"

namespace nnoe::journal {
namespace {

bool good_header(int fd, const Id& id, uint64_t number) {
  layout::SegmentHeader header{};
  return read_segment_header(fd, header) == Check::kGood && header.number == number &&
         std::equal(id.begin(), id.end(), header.id);
}

uint64_t first_seq(Scan& scan, Zeros zeros = Zeros::kSuspect) {
  Record record;
  const Found found = scan.at(layout::kFirstRecord, record);
  if (found == Found::kRecord) return record.seq;
  if (found == Found::kNothing && zeros == Zeros::kUnwritten) return 0;
  return scan.find(layout::kFirstRecord, 1, layout::kMaxSeq, record) ? record.seq : 0;
}

// Whether nothing was ever written into a segment. When it follows the last one with records, writing goes on
// there: a reader may be waiting in it already.
bool is_fresh(int dir, const Id& id, const SegmentInfo& info) {
  Scan scan(open_below(dir, segment_name(info.number), O_RDONLY));
  return scan.fd() >= 0 && good_header(scan.fd(), id, info.number) && scan.zero_from(layout::kFirstRecord);
}

}  // namespace

End find_end(Scan& scan, End end, Zeros zeros) {
  Record record;
  for (;;) {
    end.found = scan.at(end.offset, record);
    if (end.found == Found::kRecord && record.seq > end.head) {
      end.head = record.seq;
      end.offset = record.next;
      continue;
    }
    if (end.found == Found::kEnd) return end;
    if (end.found == Found::kNothing && zeros == Zeros::kUnwritten) return end;
    if (end.found == Found::kRecord) end.found = Found::kDamaged;
    if (!scan.find(end.offset + layout::kAlign, end.head + 1, layout::kMaxSeq, record)) return end;
    end.offset = record.offset;
  }
}

Extent find_extent(int dir, const std::vector<uint64_t>& numbers, HeadHint& hint) {
  Extent extent;
  for (size_t i = numbers.size(); i-- > 0 && extent.head == 0;) {
    Scan scan(open_below(dir, segment_name(numbers[i]), O_RDONLY | O_NONBLOCK));
    const End end = find_end(scan, hint.number == numbers[i] ? hint.end : End{}, Zeros::kUnwritten);
    extent.head = end.head;
    // The segment that is only prepared is passed every time and must not displace the hint.
    if (end.head != 0) hint = {numbers[i], end};
  }
  for (size_t i = 0; i < numbers.size() && extent.oldest == 0; ++i) {
    Scan scan(open_below(dir, segment_name(numbers[i]), O_RDONLY | O_NONBLOCK));
    extent.oldest = first_seq(scan, Zeros::kUnwritten);
  }
  return extent;
}

bool take_inventory(int dir, const std::vector<uint64_t>& numbers, const Id* known, Inventory& out,
                    Error& error) {
  std::vector<std::pair<uint64_t, Id>> good;
  for (const uint64_t number : numbers) {
    Fd fd = open_below(dir, segment_name(number), O_RDWR | O_NONBLOCK);
    if (!fd && errno != ELOOP && errno != EISDIR && errno != ENXIO) {
      return error = system_error("open", segment_name(number)), false;
    }
    layout::SegmentHeader header{};
    const int64_t size = fd ? regular_size(fd.get()) : -1;
    const Check check = size < 0 ? Check::kDamaged : read_segment_header(fd.get(), header);
    if (check == Check::kVersion) out.other_version = header.version;
    Id id{};
    std::copy(std::begin(header.id), std::end(header.id), id.begin());
    if (check == Check::kGood) out.id = id;
    if (size < 0 || (check == Check::kGood && known != nullptr && id != *known)) {
      out.foreign.push_back(number);
      continue;
    }
    Scan scan(std::move(fd));
    out.segments.push_back({number, first_seq(scan), static_cast<uint64_t>(size)});
  }
  return true;
}

Tail find_tail(int dir, const Id& id, std::deque<SegmentInfo>& segments, uint64_t base) {
  Tail tail;
  tail.head = base;
  if (!segments.empty()) tail.next_number = segments.back().number + 1;
  std::deque<SegmentInfo> empty;
  while (!segments.empty() && segments.back().first_seq == 0) {
    empty.push_front(segments.back());
    segments.pop_back();
  }
  bool ended = true;
  if (!segments.empty()) {
    const SegmentInfo& last = segments.back();
    Scan scan(open_below(dir, segment_name(last.number), O_RDONLY));
    const bool whole = good_header(scan.fd(), id, last.number);
    const End end = find_end(scan);
    tail.head = std::max(base, end.head);
    tail.seal_number = last.number;
    tail.seal_offset = end.offset;
    ended = end.found == Found::kEnd;
    tail.lost = !whole || end.found == Found::kDamaged;
    if (!tail.lost && !ended) {
      tail.number = last.number;
      tail.bytes = last.bytes;
      tail.offset = end.offset;
    }
  }
  for (const SegmentInfo& info : empty) {
    const bool follows = segments.empty() || info.number == segments.back().number + 1;
    const bool fresh = is_fresh(dir, id, info);
    tail.lost = tail.lost || !fresh;  // it had records, or nobody knows
    if (tail.number == 0 && !tail.lost && ended && follows) {
      tail.number = info.number;
      tail.bytes = info.bytes;
      tail.offset = layout::kFirstRecord;
      segments.push_back({info.number, tail.head + 1, info.bytes});
    } else {
      ::unlinkat(dir, segment_name(info.number).c_str(), 0);
    }
  }
  // A segment in the middle with no readable record holds what the next one begins with.
  for (size_t i = segments.size(); i-- > 1;) {
    if (segments[i - 1].first_seq == 0) segments[i - 1].first_seq = segments[i].first_seq;
  }
  return tail;
}

void seal(int dir, const Tail& tail) {
  if (tail.seal_number == 0) return;
  const Fd fd = open_below(dir, segment_name(tail.seal_number), O_RDWR);
  if (!fd || static_cast<int64_t>(tail.seal_offset + sizeof layout::kEndWord) > regular_size(fd.get()))
    return;
  write_all(fd.get(), &layout::kEndWord, sizeof layout::kEndWord, tail.seal_offset);
}

bool zero_rest(const Mapping& mapping, uint64_t offset) {
  bool dirty = false;
  for (uint64_t at = offset; at < mapping.size();) {
    const uint64_t end = std::min<uint64_t>(mapping.size(), (at / layout::kPage + 1) * layout::kPage);
    uint8_t* from = mapping.data() + at;
    if (std::any_of(from, mapping.data() + end, [](uint8_t byte) { return byte != 0; })) {
      std::memset(from, 0, end - at);
      dirty = true;
    }
    at = end;
  }
  return dirty;
}

}  // namespace nnoe::journal
