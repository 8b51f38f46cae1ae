// SPDX-License-Identifier: MPL-2.0
// Sections of any content are opened and, when they pass, looked at; files of decisions are read. Never a
// read outside, never without end, never a number that was not checked. Sanitizers see the rest. libFuzzer:
// clang++ build with -DNNOE_FUZZ=ON, then `fuzz_clients -runs=1000000`.
#include "shm/tables/test/fuzz_clients.h"

#include <cstdio>
#include <cstdlib>

#include "shm/crc32c.h"
#include "shm/tables/decision_reader.h"
#include "shm/tables/hosts.h"
#include "shm/tables/prefixes.h"
#include "shm/tables/test/aligned.h"
#include "shm/test/support.h"

namespace {

using namespace nnoe::tables;
using nnoe::tables::test::AlignedBody;

constexpr Limits kFew{100, 10, 10};

void fail(const char* what) {
  std::fprintf(stderr, "fuzz_clients: %s\n", what);
  std::abort();
}

void need(bool holds, const char* what) {
  if (!holds) fail(what);
}

bool is_answer(uint16_t value, bool delta) {
  return value < kFew.role_sets || value == kAbsent || (delta && value == kRemoved);
}

void registry(Body body) {
  Registry table;
  std::string why;
  if (!Registry::open(body, kFew, table, why)) return need(!why.empty(), "no reason");
  for (uint32_t i = 0; i <= table.role_sets(); ++i)
    for (const auto role : table.roles(i))
      need(!role.empty() && role.size() <= kMaxText, "a role of no size");
  for (uint32_t i = 0; i <= table.lists(); ++i) need(table.list(i).size() <= kMaxText, "a list of no size");
  const RegistryBuilder again(table);
  need(again.build().size() == body.size, "a registry is not what it was");
}

// Addresses to ask for: parts of the section itself, which its entries are likely to hold, and the corners.
template <class Ask>
void each_address(Body body, Ask ask) {
  static constexpr uint8_t kCorners[2][16] = {
      {0}, {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
  ask(kCorners[0]);
  ask(kCorners[1]);
  const size_t step = 4 * (1 + body.size / 4096);
  for (size_t at = 0; at + 16 <= body.size; at += step) ask(body.data + at);
}

uint32_t as_v4(const uint8_t* address) {
  uint32_t word = 0;
  std::memcpy(&word, address, sizeof word);
  return word;
}

void hosts(Body body) {
  Hosts table;
  std::string why;
  if (!Hosts::open(body, kFew, table, why)) return need(!why.empty(), "no reason");
  each_address(body, [&](const uint8_t* address) {
    need(is_answer(table.find4(as_v4(address)), table.is_delta()), "an IPv4 host of no role set");
    need(is_answer(table.find6(address), table.is_delta()), "an IPv6 host of no role set");
  });
  need(table.entries(Family::kV4).size() == table.size4(), "IPv4 hosts are not as many as there are");
  need(table.entries(Family::kV6).size() == table.size6(), "IPv6 hosts are not as many as there are");
}

void prefixes(Body body) {
  Prefixes table;
  std::string why;
  if (!Prefixes::open(body, kFew, table, why)) return need(!why.empty(), "no reason");
  each_address(body, [&](const uint8_t* address) {
    need(is_answer(table.find4(as_v4(address)), table.is_delta()), "an IPv4 prefix of no role set");
    need(is_answer(table.find6(address), table.is_delta()), "an IPv6 prefix of no role set");
    Match match{};
    for (const size_t bytes : {size_t{4}, size_t{16}})
      if (table.longest(address, bytes, match))
        need(match.role_set < kFew.role_sets, "a match of no role set");
  });
}

// One directory for the whole run, on tmpfs where there is one.
const std::string& directory() {
  static const nnoe::test::TempDir dir(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  return dir.path();
}

DecisionsHeader good_header(DecisionsHeader header) {
  header.magic = kDecisionsMagic;
  header.version = kDecisionsVersion;
  header.ring_bytes = kMinRing;
  header.slot_bytes = kRingAt + kMinRing;
  header.crc = nnoe::crc32c(0, &header, offsetof(DecisionsHeader, crc));
  return header;
}

void read_all(const std::string& path) {
  std::string why;
  const auto reader = DecisionReader::open(path, why);
  if (!reader) return need(!why.empty(), "no reason");
  DecisionStatus status{};
  reader->status(status);
  std::vector<uint64_t> counters;
  reader->counters(counters);
  Bytes batch(2 * kRingBlock);
  size_t rounds = 0;
  while (const size_t got = reader->read(batch.data(), batch.size())) {
    need(got <= batch.size(), "more than there is room for");
    need(++rounds < 10000, "reading does not come to an end");
    for (size_t at = 0; at < got;) {
      DecisionRecord record{};
      need(at + sizeof record <= got, "half a record");
      std::memcpy(&record, batch.data() + at, sizeof record);
      const size_t bytes = record.words * size_t{8};
      need(bytes != 0 && at + bytes <= got, "a record that goes beyond the batch");
      need(sizeof record + record.address_bytes + record.name_bytes <= bytes, "a name too long");
      at += bytes;
    }
  }
}

// The header is made to fit unless the first byte forbids; what the input does not fill is not there.
void decisions(std::vector<uint8_t> bytes) {
  DecisionsHeader header{};
  if (bytes.size() > sizeof header && bytes[0] != 0) {
    std::memcpy(&header, bytes.data(), sizeof header);
    header = good_header(header);
    std::memcpy(bytes.data(), &header, sizeof header);
  }
  const std::string path = directory() + "/1-1.decisions";
  nnoe::test::write_file(path, {bytes.begin(), bytes.end()});
  read_all(path);
}

void ring(const std::vector<uint8_t>& bytes) {
  const std::string path = directory() + "/2-1.decisions";
  const nnoe::journal::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const DecisionsHeader header = good_header({});
  DecisionsStatus status{};
  status.threads = 1;
  const size_t head = std::min<size_t>(bytes.size(), sizeof(uint64_t));
  const bool written =
      ::ftruncate(fd.get(), static_cast<off_t>(kPage + header.slot_bytes)) == 0 &&
      nnoe::journal::write_all(fd.get(), &header, sizeof header, 0) &&
      nnoe::journal::write_all(fd.get(), &status, sizeof status, kStatusAt) &&
      nnoe::journal::write_all(fd.get(), bytes.data(), head, kPage) &&
      nnoe::journal::write_all(fd.get(), bytes.data() + head, std::min<size_t>(bytes.size() - head, kMinRing),
                               kPage + kRingAt);
  need(written, "a file could not be written");
  read_all(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::vector<uint8_t> bytes(data + 1, data + size);
  const AlignedBody body(bytes);
  switch (data[0] % kFuzzKinds) {
    case 0:
      registry(body.body());
      break;
    case 1:
      hosts(body.body());
      break;
    case 2:
      prefixes(body.body());
      break;
    case 3:
      decisions(bytes);
      break;
    default:
      ring(bytes);
      break;
  }
  return 0;
}
