// SPDX-License-Identifier: MPL-2.0
// Sections of any bytes: what is not refused must not make a lookup read outside of it (the sanitizers see
// that) or answer with what is out of range.
#include "shm/tables/test/fuzz_names.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "shm/crc32c.h"
#include "shm/tables/name_set.h"
#include "shm/tables/subscriptions.h"
#include "shm/tables/test/names_support.h"

namespace {

using namespace nnoe::test;

const Limits kLimits{20, 12, 9};

void fail(const char* what) {
  std::fprintf(stderr, "fuzz_names: %s\n", what);
  std::abort();
}

// A section that is valid, the same for every run.
std::vector<uint8_t> good_names() {
  const uint64_t secret[2] = {0x1234567890abcdef, 0xfedcba0987654321};
  std::mt19937_64 random(1);
  NamesBuilder builder;
  for (int i = 0; i < 200; ++i) {
    const std::string name = random_name(random);
    builder.set(reinterpret_cast<const uint8_t*>(name.data()), name.size(),
                static_cast<uint32_t>(random() % 12), random() % 2 == 0 ? Listed::kExact : Listed::kSubtree);
  }
  return builder.build(secret);
}

std::vector<uint8_t> good_subscriptions() {
  SubscriptionsPlan plan;
  plan.lists.resize(12);
  for (uint16_t i = 0; i < 12; ++i) plan.lists[i] = {i % 3 == 0 ? ListKind::kAllow : ListKind::kBlock, i};
  for (uint16_t i = 0; i < 20; ++i) plan.role_sets.push_back({i, 1, 0, static_cast<uint16_t>(i % 9)});
  for (auto& row : plan.role_sets) row[0] = static_cast<uint16_t>(row[0] % 10);
  return build_subscriptions(plan);
}

// Edits of 4 bytes each: where (of the first 65536), and what is put there.
std::vector<uint8_t> edited(std::vector<uint8_t> bytes, const uint8_t* data, size_t size) {
  for (; size >= 4; data += 4, size -= 4) {
    const size_t at = (data[0] | size_t{data[1]} << 8) % bytes.size();
    if (data[3] == 0xff)
      bytes.resize(at + 1);
    else
      bytes[at] = static_cast<uint8_t>((data[3] & 1) != 0 ? data[2] : bytes[at] ^ data[2]);
  }
  return bytes;
}

void look_up(const Names& names, const QueryName& query) {
  size_t last = 0;
  names.walk(query, [&](size_t depth, uint16_t id) {
    if (depth > query.labels() || depth < last) fail("levels do not rise");
    if (id >= names.listsets()) fail("a set of lists out of range");
    for (uint32_t list = kLimits.lists; list < kMaxLists; ++list)
      if ((names.lists(id)[list / 64] >> list % 64 & 1) != 0) fail("a list out of range");
    last = depth;
  });
  names.find(query);
}

void try_names(const std::vector<uint8_t>& bytes) {
  static const AlignedBody base_body(good_names());
  const AlignedBody body(bytes);
  Names names;
  Names base;
  std::string why;
  if (!Names::open(base_body.get(), kLimits, base, why)) fail("a valid section is refused");
  if (!Names::open(body.get(), kLimits, names, why)) {
    if (why.empty()) fail("refused without a reason");
    return;
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_name(random);
    QueryName query;
    if (!query.parse(reinterpret_cast<const uint8_t*>(text.data()), text.size())) continue;
    look_up(names, query);
    const auto seen = [&](size_t, uint16_t id, bool in_delta) {
      if (id >= (in_delta ? names : base).listsets()) fail("a set of lists out of range");
    };
    walk(&base, &names, query, seen);
    random();
  }
}

void try_subscriptions(const std::vector<uint8_t>& bytes) {
  const AlignedBody body(bytes);
  Subscriptions subscriptions;
  std::string why;
  if (!Subscriptions::open(body.get(), kLimits, subscriptions, why)) {
    if (why.empty()) fail("refused without a reason");
    return;
  }
  const names::Lists all{{~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}}};
  for (uint32_t role_set = 0; role_set < kMaxRoleSets; ++role_set) {
    const Outcome outcome =
        subscriptions.outcome(subscriptions.class_of(static_cast<uint16_t>(role_set)), all.bits);
    if (outcome.code >= Outcome::kBlock + kLimits.actions) fail("an action out of range");
    if (outcome.code != Outcome::kNone && outcome.list >= kLimits.lists) fail("a list out of range");
  }
}

// As a file, with a checksum that holds.
void try_set(const uint8_t* data, size_t size) {
  static const std::string path = (::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
                                  std::string("/nnoe-fuzz-names-") + std::to_string(::getpid());
  NameSetHeader header{};
  header.magic = kNameSetMagic;
  header.version = kVersion;
  header.body_bytes = size;
  header.body_crc = nnoe::crc32c(0, data, size);
  header.crc = nnoe::crc32c(0, &header, offsetof(NameSetHeader, crc));
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) fail("no file can be made");
  std::fwrite(&header, sizeof header, 1, file);
  if (size > 0) std::fwrite(data, size, 1, file);
  std::fclose(file);
  Error error;
  const auto opened = open_name_set(path, error);
  ::unlink(path.c_str());
  if (opened == nullptr) fail("a set whose checksums hold is refused");
  NameSetReader reader(opened);
  try {
    for (size_t i = 0; reader.next(); ++i) {
      if (i > size) fail("a set does not come to an end");
      uint8_t wire[kMaxName];
      reverse_labels(reader.key().bytes, reader.key().size, wire);
      QueryName name;
      if (!name.parse(wire, reader.key().size)) fail("a set gives what is no name");
    }
  } catch (const std::runtime_error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::vector<uint8_t> rest(data + 1, data + size);
  QueryName query;
  switch (data[0] % 6) {
    case 0:
      try_names(rest);
      break;
    case 1:
      try_names(edited(good_names(), data + 1, size - 1));
      break;
    case 2:
      try_subscriptions(rest);
      break;
    case 3:
      try_subscriptions(edited(good_subscriptions(), data + 1, size - 1));
      break;
    case 4:
      try_set(data + 1, size - 1);
      break;
    default:
      query.parse(rest.data(), rest.size());
      break;
  }
  return 0;
}
