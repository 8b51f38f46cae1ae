// SPDX-License-Identifier: MPL-2.0
// Journals that were cut short, changed, or are not ours: nothing false is delivered, nothing intact is lost
// without a Gap record, and the producer always goes on.
#include <doctest/doctest.h>

#include <map>

#include "shm/test/support.h"

using namespace nnoe::test;
using nnoe::event::GapReason;

namespace {

struct Files {
  uint64_t first = 0;  // sequence of "r0"
  std::string meta, segment;
};

// A journal with `count` records "r0", "r1" ... of different lengths; its files as a kill would leave them.
Files make(const std::string& directory, int count) {
  const auto producer = Producer::open(options(directory));
  Files files;
  for (int i = 0; i < count; ++i) {
    const uint64_t seq =
        append(*producer, "r" + std::to_string(i) + std::string(static_cast<size_t>(i) % 13, '.'));
    if (i == 0) files.first = seq;
  }
  files.meta = read_file(directory + "/meta");
  files.segment = read_file(segment_path(directory, 1));
  return files;
}

// Everything delivered is what was sent under that sequence; what was sent and is not delivered lies within
// a Gap; sequences rise.
void check_truth(const std::vector<Item>& items, uint64_t first, int count) {
  std::map<uint64_t, std::string> sent;
  for (int i = 0; i < count; ++i) sent[first + static_cast<uint64_t>(i)] = "r" + std::to_string(i);
  uint64_t last = 0;
  for (const Item& item : items) {
    REQUIRE(item.seq > last);
    last = item.seq;
    const auto at = sent.find(item.seq);
    if (item.kind == Kind::kLease && at != sent.end()) {
      REQUIRE(item.payload.substr(0, item.payload.find('.')) == at->second);
      sent.erase(at);
    } else if (item.kind == Kind::kGap) {
      const GapFields gap = gap_of(item);
      sent.erase(sent.lower_bound(gap.field[nnoe::event::gap::kFirst]),
                 sent.upper_bound(gap.field[nnoe::event::gap::kLast]));
    }
  }
  CHECK(sent.empty());
}

// Opens the damaged journal as Kea would, appends, and reads all.
std::vector<Item> reopen(const std::string& directory, Told* told = nullptr) {
  const auto producer = Producer::open(options(directory, told));
  REQUIRE(producer->status().writable);
  REQUIRE(append(*producer, "later") != 0);
  return read_all(directory);
}

std::string without_tail_zeros(std::string bytes) {
  while (!bytes.empty() && bytes.back() == 0) bytes.pop_back();
  return bytes;
}

}  // namespace

TEST_CASE("a record cut short at every byte leaves all before it, and the next takes its place") {
  const TempDir source;
  constexpr int kCount = 6;
  const auto [first, meta, whole] = make(source.path(), kCount);
  // Where the last record begins: search its commit word backwards from its payload.
  const size_t payload = whole.rfind("r5");
  const size_t start = payload - sizeof(layout::RecordHeader);
  const size_t end = without_tail_zeros(whole).size();
  for (size_t cut = start + 8; cut <= end; ++cut) {
    const TempDir dir;
    std::string torn = whole;
    torn.replace(start, 8, 8, 0);  // the commit word is stored last
    torn.replace(cut, end - cut, end - cut, 0);
    write_file(dir.path() + "/meta", meta);
    write_file(segment_path(dir.path(), 1), torn);
    const auto items = reopen(dir.path());
    REQUIRE(items.size() == 1 + kCount);
    check_truth({items.begin(), items.end() - 1}, first, kCount - 1);
    CHECK(items.back().payload == "later");
    CHECK(items.back().seq == first + kCount - 1);
    // Nothing of the torn record is left behind the new one.
    CHECK(read_file(segment_path(dir.path(), 1)).find("r5") == std::string::npos);
  }
}

TEST_CASE("a segment file cut short at every length") {
  const TempDir source;
  constexpr int kCount = 5;
  const auto [first, meta, whole] = make(source.path(), kCount);
  const size_t end = without_tail_zeros(whole).size() + 16;
  for (size_t cut = 0; cut < end; ++cut) {
    const TempDir dir;
    write_file(dir.path() + "/meta", meta);
    write_file(segment_path(dir.path(), 1), whole.substr(0, cut));
    check_truth(read_all(dir.path()), first, 0);
    const auto items = reopen(dir.path());
    check_truth(items, first, kCount);
    CHECK(items.back().payload == "later");
  }
}

TEST_CASE("any bit flipped in a segment is noticed or harmless") {
  const TempDir source;
  constexpr int kCount = 5;
  const auto [first, meta, whole] = make(source.path(), kCount);
  const size_t end = without_tail_zeros(whole).size() + 24;
  for (size_t bit = 0; bit < end * 8; ++bit) {
    const TempDir dir;
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_file(dir.path() + "/meta", meta);
    write_file(segment_path(dir.path(), 1), flipped);
    const auto items = reopen(dir.path());
    check_truth(items, first, kCount);
    CHECK(items.back().payload == "later");
  }
}

TEST_CASE("any bit flipped in the meta file: nothing that was written is lost") {
  const TempDir source;
  const auto [first, meta, segment] = make(source.path(), 3);
  for (size_t bit = 0; bit < meta.size() * 8; ++bit) {
    const TempDir dir;
    std::string flipped = meta;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_file(dir.path() + "/meta", flipped);
    write_file(segment_path(dir.path(), 1), segment);
    const auto items = reopen(dir.path());
    // Another version is set aside whole; everything else goes on.
    if (items[0].seq < first + 3) check_truth(items, first, 3);
    CHECK((bit / 32 == 2) == (names(dir.path(), "damaged-").size() == 1));
    CHECK(items.back().payload == "later");
  }
}

TEST_CASE("damage in the middle costs only what it hit, also for a reader that is there already") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path()));
  for (int i = 0; i < 20; ++i) append(*producer, "r" + std::to_string(i));
  const std::string path = segment_path(dir.path(), 1);
  const std::string bytes = read_file(path);
  const nnoe::journal::Fd fd(::open(path.c_str(), O_WRONLY));
  REQUIRE(::pwrite(fd.get(), "X", 1, static_cast<off_t>(bytes.find("r7"))) == 1);
  const auto items = read_all(dir.path());
  REQUIRE(items.size() == 21);
  CHECK(items[8].kind == Kind::kGap);
  CHECK(items[8].seq == items[7].seq + 1);
  CHECK(gap_of(items[8]).reason() == GapReason::kDamaged);
  CHECK(gap_of(items[8]).field[nnoe::event::gap::kCount] == 1);
  CHECK(items[9].payload == "r8");
  // The last one is hit: nothing is said until the next record shows that one is missing.
  REQUIRE(::pwrite(fd.get(), "X", 1, static_cast<off_t>(bytes.find("r19"))) == 1);
  CHECK(read_all(dir.path(), items[19].seq).empty());
  append(*producer, "r20");
  const auto after = read_all(dir.path(), items[19].seq);
  REQUIRE(after.size() == 2);
  CHECK(after[0].kind == Kind::kGap);
  CHECK(after[1].payload == "r20");
}

TEST_CASE("a segment that is cut short under a reader and a host is an answer, not a signal") {
  const TempDir dir;
  make(dir.path(), 3000);
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  const auto reader = host->reader(0, error);
  Record record;
  for (int i = 0; i < 100; ++i, reader->consume()) REQUIRE(reader->peek(record));
  REQUIRE(::truncate(segment_path(dir.path(), 1).c_str(), 1000) == 0);
  const auto items = drain(*reader);
  REQUIRE(!items.empty());
  size_t gaps = 0;
  for (const Item& item : items) gaps += item.kind == Kind::kGap ? 1 : 0;
  CHECK(gaps == 1);
  JournalStatus status;
  CHECK(host->status(status, error));
}

TEST_CASE("another version, a foreign meta file, a foreign segment: set aside, at most two kept") {
  const TempDir dir;
  make(dir.path(), 3);
  for (int round = 0; round < 4; ++round) {
    std::string meta = read_file(dir.path() + "/meta");
    meta[8] = 2;
    write_file(dir.path() + "/meta", meta);
    Told told;
    const auto items = reopen(dir.path(), &told);
    CHECK(told.count(Event::kReplaced) == 1);
    CHECK(told.reports.front().second.rfind("it has format version 2, this release has 1; kept in ", 0) == 0);
    REQUIRE(items.size() == 2);
    CHECK(gap_of(items[0]).reason() == GapReason::kNewJournal);
  }
  CHECK(names(dir.path(), "damaged-").size() == 2);
  const TempDir foreign;
  write_file(foreign.path() + "/meta", "not ours\n");
  write_file(segment_path(foreign.path(), 1), std::string(5000, 'q'));
  ::mkdir((foreign.path() + "/wake").c_str(), 0700);
  Told told;
  CHECK(reopen(foreign.path(), &told).size() == 2);
  CHECK(told.count(Event::kReplaced) == 1);
  // Symbolic links and directories in our places are not followed.
  const TempDir linked;
  ::symlink("/etc/passwd", (linked.path() + "/meta").c_str());
  ::mkdir(segment_path(linked.path(), 1).c_str(), 0700);
  CHECK(reopen(linked.path()).size() == 2);
}

TEST_CASE("sequences grow from journal to journal, and no cursor is ever ahead of one") {
  const TempDir dir;
  const uint64_t first = make(dir.path(), 3).first;
  {
    const auto host = consumer(dir.path());
    nnoe::journal::Error error;
    REQUIRE(host->set_cursor("leases", first + 50'000'000'000, error));  // of records that are gone
  }
  const auto items = reopen(dir.path());
  CHECK(items.back().seq > first + 50'000'000'000);
  write_file(dir.path() + "/meta", "x");
  ::unlink(segment_path(dir.path(), 1).c_str());
  ::unlink(segment_path(dir.path(), 2).c_str());
  ::unlink(segment_path(dir.path(), 3).c_str());
  const auto later = reopen(dir.path());
  CHECK(later.front().seq > first + 50'000'000'000);
}

TEST_CASE("after a restart of the machine without a clean end sequences are not used again") {
  const TempDir dir;
  const uint64_t first = make(dir.path(), 3).first;
  // As after power loss: another boot, no clean end. The checksum is made to fit by the code that writes it.
  {
    const nnoe::journal::Fd fd(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY));
    layout::Meta meta{};
    nnoe::journal::Error error;
    REQUIRE(read_meta(fd.get(), meta, error) == Check::kGood);
    CHECK(meta.clean == 1);
    CHECK(meta.head == first + 2);
    meta.clean = 0;
    meta.boot[0] ^= 1;
    REQUIRE(write_meta(fd.get(), meta, error));
  }
  const auto items = reopen(dir.path());
  check_truth({items.begin(), items.begin() + 4}, first, 3);
  REQUIRE(items.size() == 6);
  CHECK(items[4].kind == Kind::kGap);
  CHECK(gap_of(items[4]).reason() == GapReason::kDamaged);
  CHECK(items[4].seq > first + 3);
}
