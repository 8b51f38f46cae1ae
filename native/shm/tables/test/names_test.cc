// SPDX-License-Identifier: MPL-2.0
#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include "shm/tables/test/names_support.h"

namespace {

using namespace nnoe::test;

const Limits kLimits{1, kMaxLists, 1};

const uint8_t* bytes_of(const std::string& name) { return reinterpret_cast<const uint8_t*>(name.data()); }

// A table and its reference, filled together.
struct Both {
  NamesBuilder builder;
  Reference reference;
  void set(const std::string& name, uint32_t list, Listed listed) {
    CHECK(builder.set(bytes_of(name), name.size(), list, listed));
    reference.set(name, list, listed);
  }
};

struct Opened {
  AlignedBody body;
  Names names;
  explicit Opened(const std::vector<uint8_t>& bytes) : body(bytes) {
    std::string why;
    REQUIRE_MESSAGE(Names::open(body.get(), kLimits, names, why), why);
  }
};

void fill(std::mt19937_64& random, Both& both, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto list = static_cast<uint32_t>(random() % 7 == 0 ? kMaxLists - 1 : random() % 5);
    both.set(random_name(random), list, static_cast<Listed>(1 + random() % 3));
  }
}

void compare(std::mt19937_64& random, const Names& table, const Reference& reference, size_t count) {
  for (const auto& entry : reference.entries()) {
    const std::string child = std::string("\1a", 2) + entry.first;
    CHECK(walk_of(table, mixed_case(random, entry.first)) == reference.walk(entry.first));
    if (child.size() <= kMaxName) CHECK(walk_of(table, child) == reference.walk(child));
  }
  for (size_t i = 0; i < count; ++i) {
    const std::string name = random_name(random);
    CHECK(walk_of(table, mixed_case(random, name)) == reference.walk(name));
  }
}

TEST_CASE("random tables answer as a map of suffixes does") {
  std::mt19937_64 random(1);
  for (const size_t size : {0, 1, 2, 10, 300, 5000}) {
    for (int round = 0; round < 3; ++round) {
      Both both;
      fill(random, both, size);
      const Opened opened(both.builder.build());
      CHECK(opened.names.size() == both.reference.entries().size());
      compare(random, opened.names, both.reference, 2000);
    }
  }
}

TEST_CASE("an exact entry is for the name alone, a subtree for the name and everything below") {
  Both both;
  both.set(wire("example.com"), 1, Listed::kExact);
  both.set(wire("ads.example.com"), 2, Listed::kSubtree);
  both.set(wire("x.ads.example.com"), 3, Listed::kExact);
  const Opened opened(both.builder.build());
  CHECK(walk_of(opened.names, wire("EXAMPLE.com")).size() == 1);
  CHECK(walk_of(opened.names, wire("www.example.com")).empty());
  CHECK(walk_of(opened.names, wire("ads.example.com")).size() == 1);
  CHECK(walk_of(opened.names, wire("x.ads.example.com")).size() == 2);
  CHECK(walk_of(opened.names, wire("y.x.ads.example.com")).size() == 1);
  CHECK(walk_of(opened.names, wire("xads.example.com")).empty());
  CHECK(walk_of(opened.names, wire("com")).empty());
}

TEST_CASE("what is below a name can be listed without the name itself, by another list too") {
  Both both;
  both.set(wire("example.com"), 1, Listed::kBelow);
  both.set(wire("example.org"), 1, Listed::kBelow);
  both.set(wire("example.org"), 2, Listed::kExact);
  both.set(wire("net"), 3, Listed::kBelow);
  const Opened opened(both.builder.build());
  CHECK(walk_of(opened.names, wire("example.com")).empty());
  CHECK(walk_of(opened.names, wire("www.example.com")).size() == 1);
  const Levels itself = walk_of(opened.names, wire("example.org"));
  REQUIRE(itself.size() == 1);
  CHECK(itself[0].second.bits[0] == 4);
  const Levels inside = walk_of(opened.names, wire("a.b.example.org"));
  REQUIRE(inside.size() == 1);
  CHECK(inside[0].second.bits[0] == 2);
  CHECK(walk_of(opened.names, wire("net")).empty());
  CHECK(walk_of(opened.names, wire("example.net")).size() == 1);
  // Taken off again in a delta, it is an entry of no list.
  NamesBuilder changed;
  CHECK(changed.touch(reinterpret_cast<const uint8_t*>(wire("example.com").data()),
                      wire("example.com").size()));
  const Opened delta(changed.build());
  CHECK(walk_of(&opened.names, &delta.names, wire("www.example.com")).empty());
}

TEST_CASE("one level of both kinds is one visit with the lists of both") {
  Both both;
  both.set(wire("example.com"), 1, Listed::kSubtree);
  both.set(wire("example.com"), 200, Listed::kExact);
  const Opened opened(both.builder.build());
  const Levels itself = walk_of(opened.names, wire("example.com"));
  REQUIRE(itself.size() == 1);
  CHECK(itself[0].second.bits[0] == 2);
  CHECK(itself[0].second.bits[3] == uint64_t{1} << 8);
  const Levels inside = walk_of(opened.names, wire("a.example.com"));
  REQUIRE(inside.size() == 1);
  CHECK(inside[0].second.bits[3] == 0);
}

TEST_CASE("the root and top-level names") {
  Both both;
  both.set(wire(""), 1, Listed::kSubtree);
  both.set(wire("zip"), 2, Listed::kSubtree);
  both.set(wire("mov"), 3, Listed::kExact);
  const Opened opened(both.builder.build());
  for (const char* name : {"", "zip", "mov", "a.zip", "a.mov", "b.a.zip", "org", "a.org"})
    CHECK(walk_of(opened.names, wire(name)) == both.reference.walk(wire(name)));
  CHECK(walk_of(opened.names, wire("a.zip")).size() == 2);
}

TEST_CASE("the longest names and labels, any bytes in them") {
  Both both;
  std::string deep;
  for (int i = 0; i < 127; ++i) deep += std::string("\1a", 2);
  deep += '\0';
  REQUIRE(deep.size() == kMaxName);
  const std::string longest = std::string(1, 63) + std::string(63, 'x') + std::string(1, 63) +
                              std::string(63, '\0') + std::string(1, 63) + std::string(63, '\xff') +
                              std::string(1, 61) + std::string(61, '.') + '\0';
  REQUIRE(longest.size() == kMaxName);
  both.set(deep, 1, Listed::kExact);
  both.set(deep.substr(2), 2, Listed::kSubtree);
  both.set(longest, 3, Listed::kSubtree);
  both.set(longest.substr(64), 4, Listed::kSubtree);
  const Opened opened(both.builder.build());
  for (const std::string& name : {deep, deep.substr(2), deep.substr(4), longest, longest.substr(64)})
    CHECK(walk_of(opened.names, name) == both.reference.walk(name));
  CHECK(walk_of(opened.names, deep).size() == 2);
  CHECK(walk_of(opened.names, longest).size() == 2);
  std::string other = longest;
  other[63] = 'y';
  CHECK(walk_of(opened.names, other) == both.reference.walk(other));
}

TEST_CASE("many names fill six of eight slots, and no entry is far from its bucket") {
  NamesBuilder builder;
  for (int i = 0; i < 60000; ++i) {
    const std::string name = wire(std::to_string(i) + ".example" + std::to_string(i % 1000) + ".com");
    REQUIRE(builder.set(bytes_of(name), name.size(), 1, Listed::kSubtree));
  }
  const Opened opened(builder.build());
  const uint8_t* const body = opened.body.get().data;
  const auto& header = *reinterpret_cast<const names::Header*>(body);
  CHECK(header.buckets == header.slots / 6 + 1);
  const auto* buckets = reinterpret_cast<const names::Bucket*>(body + names::places_of(header).buckets);
  uint64_t own = 0;
  for (uint32_t at = 0; at < header.buckets + names::kMaxDisplaced; ++at) {
    for (uint32_t slot = 0; slot < names::kSlots; ++slot) {
      const uint32_t flags = buckets[at].flags[slot];
      const uint32_t passed = flags >> names::kPassedShift;
      CHECK(passed <= 6);
      if ((flags & names::kOwn) == 0) continue;
      const uint8_t* const name = body + sizeof header + buckets[at].names[slot];
      QueryName query;
      REQUIRE(query.parse(name, std::strlen(reinterpret_cast<const char*>(name)) + 1));
      uint64_t hash = names::hash_two(header.secret[1], header.secret[0], query.label(2), query.end());
      hash = names::hash_label(header.secret[1], hash, query.label(3));
      CHECK(at == names::bucket_of(hash, header.buckets) + passed);
      for (uint32_t i = 1; i <= passed; ++i) CHECK(names::is_further(buckets[at - i], hash));
      ++own;
    }
  }
  CHECK(own == 60000);
}

TEST_CASE("what is no name is refused, and nothing behind a name is read") {
  QueryName name;
  const auto parses = [&](const std::string& bytes) { return name.parse(bytes_of(bytes), bytes.size()); };
  CHECK_FALSE(parses(""));
  CHECK_FALSE(parses("\3com"));
  CHECK_FALSE(parses(wire("com") + 'x'));
  CHECK_FALSE(parses(std::string("\300\14", 2)));
  CHECK_FALSE(parses(std::string(1, 64) + std::string(64, 'a') + '\0'));
  CHECK_FALSE(parses(std::string("\1a\5abc", 7)));
  std::string deep;
  for (int i = 0; i < 128; ++i) deep += std::string("\1a", 2);
  CHECK_FALSE(parses(deep + '\0'));
  CHECK(parses(wire("")));
  CHECK(name.labels() == 0);

  // A name of every length at the very end of a page.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* two = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(two != MAP_FAILED);
  REQUIRE(::mprotect(static_cast<uint8_t*>(two) + page, page, PROT_NONE) == 0);
  for (size_t size = 3; size <= kMaxName; ++size) {
    std::string text;
    while (text.size() + 1 < size) {
      const size_t length = std::min<size_t>(63, size - text.size() - 2);
      if (length == 0) break;
      text += static_cast<char>(length == 62 ? 61 : length);
      text += std::string(static_cast<uint8_t>(text.back()), 'Q');
    }
    text += '\0';
    uint8_t* at = static_cast<uint8_t*>(two) + page - text.size();
    std::copy(text.begin(), text.end(), at);
    REQUIRE(name.parse(at, text.size()));
    for (char& byte : text) byte = byte == 'Q' ? 'q' : byte;
    CHECK(std::equal(text.begin(), text.end(), reinterpret_cast<const char*>(name.data())));
  }
  ::munmap(two, 2 * page);
}

TEST_CASE("the vector loops do what the portable ones do") {
  std::mt19937_64 random(3);
  alignas(16) uint16_t tags[8];
  for (int i = 0; i < 20000; ++i) {
    for (uint16_t& tag : tags) tag = static_cast<uint16_t>(random() % 3 == 0 ? random() % 4 : random());
    const auto tag = static_cast<uint16_t>(random() % 2 == 0 ? random() % 4 : random());
    CHECK(kernels::match(tags, tag) == kernels::portable::match(tags, tag));
    uint8_t from[300];
    uint8_t folded[300] = {};
    uint8_t expected[300] = {};
    for (uint8_t& byte : from) byte = static_cast<uint8_t>(random());
    const size_t size = random() % 256;
    kernels::fold(folded, from, size);
    kernels::portable::fold(expected, from, size);
    CHECK(std::equal(folded, folded + sizeof folded, expected));
    if (size == 0) continue;
    if (random() % 2 == 0) expected[random() % size] ^= 1;
    CHECK(kernels::equal(folded, expected, size) == kernels::portable::equal(folded, expected, size));
  }
}

}  // namespace
