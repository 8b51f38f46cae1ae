// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/rulings.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dnsdist-bridge/question_ring.h"

using namespace nnoe::bridge;

namespace {

constexpr uint64_t kNow = 1'700'000'000'000;

RulingQuestion question(const std::string& name) {
  RulingQuestion asked;
  asked.basis = 7;
  asked.role_set = 3;
  asked.type = 1;
  asked.name_bytes = static_cast<uint8_t>(name.size() + 2);
  std::memset(asked.name, 0, sizeof asked.name);
  asked.name[0] = static_cast<uint8_t>(name.size());
  std::memcpy(asked.name + 1, name.data(), name.size());
  return asked;
}

std::string hex(const Hash128& hash) {
  std::string text;
  for (const uint64_t word : {hash.low, hash.high})
    for (int byte = 0; byte < 8; ++byte) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(word >> (8 * byte) & 0xff));
      text += digits;
    }
  return text;
}

Hash128 drawn(std::mt19937_64& random) { return {random(), random()}; }

}  // namespace

TEST_CASE("the hash is SipHash-2-4 with 128 bits, as its authors' vectors have it") {
  const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  uint8_t bytes[64];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<uint8_t>(i);
  CHECK(hex(siphash128(key, bytes, 0)) == "a3817f04ba25a8e66df67214c7550293");
  CHECK(hex(siphash128(key, bytes, 1)) == "da87c1d86b99af44347659119b22fc45");
  CHECK(hex(siphash128(key, bytes, 63)) == "5150d1772f50834a503e069a973fbd7c");
}

TEST_CASE("everything that a ruling depends on is in its key") {
  const Rulings rulings(4);
  const Hash128 key = rulings.key_of(question("www"));
  CHECK(rulings.key_of(question("www")) == key);
  std::vector<RulingQuestion> others(8, question("www"));
  others[0].basis++;
  others[1].role_set++;
  others[2].type++;
  others[3].address_bytes = 4;
  others[4].address[3] = 1;
  others[5].lists[3] = 1;
  others[6].name[3] = 'x';
  others[7] = question("wwww");
  for (const RulingQuestion& other : others) CHECK_FALSE(rulings.key_of(other) == key);
  CHECK_FALSE(Rulings(4).key_of(question("www")) == key);  // each process has a secret of its own
}

TEST_CASE("a ruling counts from its time on and until right before its end, whatever the clock does") {
  Rulings rulings(4);
  const Hash128 key{1, 2};
  uint16_t action = 0;
  CHECK_FALSE(rulings.find(key, kNow, action));
  rulings.put(key, 5, kNow, kNow + 100, kNow);
  for (const uint64_t now : {kNow, kNow + 99}) {
    action = 0;
    CHECK(rulings.find(key, now, action));
    CHECK(action == 5);
  }
  for (const uint64_t now : {kNow - 1, kNow + 100, uint64_t{0}, kNow * 2})
    CHECK_FALSE(rulings.find(key, now, action));
  rulings.put(key, 6, kNow + 200, kNow + 200, kNow);  // none
  rulings.put(key, 6, kNow, uint64_t{1} << 48, kNow);
  CHECK(rulings.find(key, kNow, action));
  CHECK(action == 5);
  CHECK_FALSE(rulings.find({1, 3}, kNow, action));
  CHECK_FALSE(rulings.find({5, 2}, kNow, action));
}

TEST_CASE("what is found is what a map of everything would say, also when most is pushed out") {
  std::mt19937_64 random(1);
  Rulings rulings(16);
  std::map<std::pair<uint64_t, uint64_t>, std::pair<uint16_t, uint64_t>> all;
  std::vector<Hash128> keys;
  for (int i = 0; i < 300; ++i) keys.push_back(drawn(random));
  uint64_t now = kNow;
  int hits = 0;
  int wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Hash128 key = keys[random() % keys.size()];
    now += random() % 2;
    if (random() % 4 == 0) {
      const auto action = static_cast<uint16_t>(random());
      const uint64_t until = now + 1 + random() % 300;
      rulings.put(key, action, now, until, now);
      all[{key.low, key.high}] = {action, until};
    }
    uint16_t action = 0;
    if (!rulings.find(key, now, action)) continue;
    ++hits;
    const auto expected = all.at({key.low, key.high});
    if (action != expected.first || now >= expected.second) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(hits > 20'000);
}

TEST_CASE("a flood of names pushes rulings out and does nothing else") {
  std::mt19937_64 random(2);
  Rulings rulings;
  const Hash128 kept = drawn(random);
  uint16_t action = 0;
  int wrong = 0;
  int missed = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Hash128 key = drawn(random);
    rulings.put(key, 1, kNow, kNow + 1000, kNow);
    if (!rulings.find(key, kNow, action) || action != 1) ++wrong;
    // Asked again as often as it is missed, it is there nearly always.
    if (!rulings.find(kept, kNow, action)) {
      ++missed;
      rulings.put(kept, 2, kNow, kNow + 1000, kNow);
    }
    if (!rulings.find(kept, kNow, action) || action != 2) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(missed > 1);
  CHECK(missed < 100);
}

TEST_CASE("one thread fills, others read: nobody is ever told another's ruling, or one that is over") {
  // One set, so that every change is in everybody's way.
  Rulings rulings(1);
  std::mt19937_64 random(3);
  std::vector<Hash128> keys;
  for (int i = 0; i < 8; ++i) keys.push_back(drawn(random));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::atomic<uint64_t> hits{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      uint64_t found = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        for (uint16_t each = 0; each < keys.size(); ++each) {
          uint16_t action = 0;
          if (!rulings.find(keys[each], kNow, action)) continue;
          ++found;
          if (action != each) wrong.fetch_add(1);
        }
      }
      hits.fetch_add(found);
    });
  }
  for (int i = 0; i < 60'000; ++i) {
    const size_t each = random() % keys.size();
    // Every third is over, and says something else.
    if (i % 3 == 0) {
      rulings.put(keys[each], 999, kNow - 10, kNow, kNow - 5);
    } else {
      rulings.put(keys[each], static_cast<uint16_t>(each), kNow - 10, kNow + 10, kNow);
    }
    if (i % 1000 == 0) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong.load() == 0);
  CHECK(hits.load() > 0);
}

TEST_CASE("a ring hands questions over in their order, and counts those that it had no place for") {
  QuestionRing ring;
  constexpr uint64_t kCount = 50'000;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kCount; ++i) {
      RulingQuestion asked = question(std::to_string(i));
      asked.basis = i;
      ring.push({i, ~i}, asked);
    }
  });
  uint64_t taken = 0;
  uint64_t next = 0;
  bool wrong = false;
  QuestionRing::Entry entry;
  const auto take = [&] {
    while (ring.pop(entry)) {
      const std::string name = std::to_string(entry.key.low);
      wrong = wrong || entry.key.low < next || entry.key.high != ~entry.key.low ||
              entry.question.basis != entry.key.low || entry.question.name[0] != name.size() ||
              std::memcmp(entry.question.name + 1, name.data(), name.size()) != 0;
      next = entry.key.low + 1;
      ++taken;
    }
  };
  while (taken + ring.lost() < kCount) take();
  writer.join();
  take();
  CHECK_FALSE(wrong);
  CHECK(taken + ring.lost() == kCount);
  CHECK(taken >= QuestionRing::kSlots);
}
