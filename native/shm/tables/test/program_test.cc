// SPDX-License-Identifier: MPL-2.0
#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <cstddef>

#include "shm/tables/test/program_make.h"
#include "shm/tables/test/program_unlisted_support.h"

using namespace nnoe::tables;
using test::Kind;
using test::Maker;
using test::Op;

namespace {

struct Asked {
  std::string name = "www.example";
  const char* client = "192.0.2.1";
  uint16_t type = 1;
  uint64_t lists[4] = {};
};

// The action that the first program of the section gives.
int run(const Maker& make, const Asked& asked, uint16_t role_set = 0) {
  test::Aligned aligned(make.bytes());
  Programs programs;
  std::string why;
  const bool opened = Programs::open(aligned.body(), {100, kMaxLists, 3}, programs, why);
  CHECK_MESSAGE(opened, why);
  if (!opened) return -1;
  std::string name = test::wire(asked.name);
  const size_t size = name.size();
  name.resize(size + kBodySlack, 'x');
  uint8_t address[16];
  const bool v4 = inet_pton(AF_INET, asked.client, address) == 1;
  if (!v4) REQUIRE(inet_pton(AF_INET6, asked.client, address) == 1);
  const Request request{reinterpret_cast<const uint8_t*>(name.data()),
                        static_cast<uint32_t>(size),
                        v4 ? 4u : 16u,
                        address,
                        asked.lists,
                        asked.type};
  const test::SomeActions actions(3);
  REQUIRE(actions.opened());
  Request unlisted = request;
  unlisted.lists = nullptr;
  CHECK(
      test::agrees(programs, UnlistedPrograms(programs, actions.view()), actions.view(), role_set, unlisted));
  return programs.run(role_set, request).action;
}

constexpr int kYes = 1;
constexpr int kNo = 2;

Maker with(Op op, uint16_t (*operand)(Maker&), unsigned arg = 0) {
  Maker make;
  make.when(op, operand(make), arg);
  return make;
}

std::string refusal(const std::vector<uint8_t>& bytes) {
  test::Aligned aligned(bytes);
  Programs programs;
  std::string why;
  return Programs::open(aligned.body(), {100, kMaxLists, 3}, programs, why) ? "opened" : why;
}

}  // namespace

TEST_CASE("names: one, one of many, those below one") {
  const Maker is = with(Op::kNameIs, [](Maker& m) { return m.name("www.example"); });
  CHECK(run(is, {"www.example"}) == kYes);
  CHECK(run(is, {"ww.example"}) == kNo);
  CHECK(run(is, {"www.examplf"}) == kNo);
  const Maker in = with(Op::kNameIn, [](Maker& m) { return m.names({"a", "b.c", "www.example", "d.e.f"}); });
  for (const char* name : {"a", "b.c", "www.example", "d.e.f"}) CHECK(run(in, {name}) == kYes);
  for (const char* name : {"", "b", "c", "x.example", "d.e.g"}) CHECK(run(in, {name}) == kNo);
  for (const Op op : {Op::kNameUnder, Op::kNameUnderAny}) {
    const Maker under = op == Op::kNameUnder ? with(op, [](Maker& m) { return m.name("example.org"); })
                                             : with(op, [](Maker& m) {
                                                 return m.names({"example.org", "x"});
                                               });
    for (const char* name :
         {"a.example.org", "a.b.example.org", "*.example.org", "a\\.example.org", "~.b.example.org"})
      CHECK(run(under, {name}) == kYes);
    // The apex, a label that only ends so, and nothing at all.
    for (const char* name : {"example.org", "aexample.org", "org", "", "a.example.org.b", "a.example\\.org"})
      CHECK_MESSAGE(run(under, {name}) == kNo, name);
  }
}

TEST_CASE("a long label's length is no letter, and no letter is a length") {
  const std::string long_label(48, 'a');  // its length is written as the byte '0'
  Maker make;
  make.when(Op::kNameUnder, make.name(long_label + ".example"));
  CHECK(run(make, {"x." + long_label + ".example"}) == kYes);
  CHECK(run(make, {"x0" + long_label + ".example"}) == kNo);
}

TEST_CASE("names that begin so") {
  const auto begins = [](const char* begin, const char* name) {
    Maker make;
    make.when(Op::kNameBegins, make.begin(begin));
    return run(make, {name}) == kYes;
  };
  CHECK(begins("www.", "www.example"));
  CHECK(begins("www.ex", "www.example"));
  CHECK(begins("w", "www.example"));
  CHECK(begins("www", "www"));
  CHECK(begins("a.b.", "a.b.c"));
  for (const char* name : {"", "www", "wwww.example", "ww.w.example", "www\\.example", "xwww.example"})
    CHECK_FALSE(begins("www.", name));
  CHECK_FALSE(begins("www.exa", "www.ex"));
  CHECK_FALSE(begins("wwww", "www.w"));
  CHECK_FALSE(begins("a.b.", "a.b"));
}

TEST_CASE("texts: prefix, suffix, contained, order, size") {
  const auto text = [](Maker& m) { return m.text("w.ex"); };
  CHECK(run(with(Op::kContains, text), {"www.example"}) == kYes);
  CHECK(run(with(Op::kContains, text), {"ww.x"}) == kNo);
  CHECK(run(with(Op::kPrefix, text), {"w.example"}) == kYes);
  CHECK(run(with(Op::kPrefix, text), {"ww.example"}) == kNo);
  CHECK(run(with(Op::kSuffix, text), {"b.w.ex"}) == kYes);
  CHECK(run(with(Op::kSuffix, text), {"ex"}) == kNo);
  const auto ordered = [&](program::Order order, const char* name) {
    const unsigned arg = static_cast<unsigned>(order) << program::kArgShift;
    return run(with(Op::kOrder, text, arg), {name}) == kYes;
  };
  CHECK(ordered(program::Order::kLess, "w.ew"));
  CHECK_FALSE(ordered(program::Order::kLess, "w.ex"));
  CHECK(ordered(program::Order::kLessEqual, "w.ex"));
  CHECK(ordered(program::Order::kGreater, "w.exa"));
  CHECK_FALSE(ordered(program::Order::kGreater, "w.ex"));
  CHECK(ordered(program::Order::kGreaterEqual, "w.ex"));
  const auto span = [](Maker& m) { return m.numbers<uint32_t>(Kind::kSpan, {3, 5}); };
  CHECK(run(with(Op::kSize, span), {"a.b"}) == kYes);
  CHECK(run(with(Op::kSize, span), {"a.bc.d"}) == kNo);
  const auto client = [](Maker& m) { return m.text("192.0."); };
  CHECK(run(with(Op::kPrefix, client, 1), {"x", "192.0.2.7"}) == kYes);
  CHECK(run(with(Op::kPrefix, client, 1), {"x", "192.1.2.7"}) == kNo);
}

TEST_CASE("a DFA tells true, false and error apart") {
  // State 0 until an 'e', then 1 (error), at a 'w' 2 (true, for good).
  const auto dfa = [](Maker& m) {
    const program::DfaHeader header{3, 3, 0, 0};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    std::string classes(256, '\0');
    classes['e'] = 1;
    classes['w'] = 2;
    bytes += classes + std::string("\0\2\x81\0\0\0\0\0", 8);
    const uint16_t next[9] = {0, 1, 2, 1, 1, 1, 2, 2, 2};
    return m.constant(Kind::kDfa, bytes + std::string(reinterpret_cast<const char*>(next), sizeof next));
  };
  const auto says = [&](program::Outcome outcome, const char* name) {
    return run(with(Op::kDfa, dfa, static_cast<unsigned>(outcome) << program::kArgShift), {name}) == kYes;
  };
  CHECK(says(program::Outcome::kTrue, "awe"));
  CHECK(says(program::Outcome::kFalse, "abc"));
  CHECK(says(program::Outcome::kError, "ewe"));
  CHECK_FALSE(says(program::Outcome::kTrue, "ewe"));
}

TEST_CASE("types, clients and lists") {
  CHECK(run(with(Op::kTypeIs, [](Maker&) -> uint16_t { return 28; }), {"a", "::1", 28}) == kYes);
  const auto types = [](Maker& m) { return m.numbers<uint16_t>(Kind::kTypes, {1, 2, 28, 28}, 2); };
  CHECK(run(with(Op::kTypeIn, types), {"a", "::1", 2}) == kYes);
  CHECK(run(with(Op::kTypeIn, types), {"a", "::1", 3}) == kNo);
  CHECK(run(with(Op::kTypeIn, types), {"a", "::1", 65535}) == kNo);
  const auto ranges = [](Maker& m) {
    std::vector<uint32_t> all = {2, 1, 0x0a000000, 0x0affffff, 0xc0000200, 0xc00002ff};
    for (const char* each : {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"}) {
      uint32_t bytes[4];
      inet_pton(AF_INET6, each, bytes);
      all.insert(all.end(), bytes, bytes + 4);
    }
    return m.numbers<uint32_t>(Kind::kRanges, all);
  };
  const Maker in = with(Op::kClientIn, ranges);
  for (const char* client :
       {"10.0.0.0", "10.255.255.255", "192.0.2.1", "::ffff:10.1.1.1", "2001:db8::", "2001:db8:9::1"})
    CHECK(run(in, {"a", client}) == kYes);
  for (const char* client :
       {"9.255.255.255", "11.0.0.0", "192.0.3.0", "0.0.0.0", "2001:db7::", "2001:db9::", "::a00:1"})
    CHECK(run(in, {"a", client}) == kNo);
  const auto mask = [](Maker& m) { return m.numbers<uint64_t>(Kind::kMask, {5, 0, 0, 0}); };
  const auto on = [](uint64_t lists) { return Asked{"a", "::1", 1, {lists, 0, 0, 0}}; };
  const auto second = [](Maker&) -> uint16_t { return 2; };
  CHECK(run(with(Op::kListIs, second), on(4)) == kYes);
  CHECK(run(with(Op::kListIs, second), on(3)) == kNo);
  CHECK(run(with(Op::kListsAny, mask), on(4)) == kYes);
  CHECK(run(with(Op::kListsAny, mask), on(2)) == kNo);
  CHECK(run(with(Op::kListsAll, mask), on(7)) == kYes);
  CHECK(run(with(Op::kListsAll, mask), on(4)) == kNo);
  const auto count = [](Maker& m) {
    return m.numbers<uint32_t>(Kind::kCount, {7, 0, 0, 0, 0, 0, 0, 0, 2, 2});
  };
  CHECK(run(with(Op::kListsCount, count), on(13)) == kYes);
  CHECK(run(with(Op::kListsCount, count), on(15)) == kNo);
}

TEST_CASE("role sets without a program, with another one's, and to be asked elsewhere") {
  Maker make = with(Op::kTypeIs, [](Maker&) -> uint16_t { return 1; });
  make.roles = {1, program::kUnplanned, program::kFallback | 2,
                program::kFallback | program::kFallbackClient};
  test::Aligned aligned(make.bytes());
  Programs programs;
  std::string why;
  REQUIRE(Programs::open(aligned.body(), {100, 4, 3}, programs, why));
  uint8_t name[1 + kBodySlack] = {};
  const uint8_t address[4] = {};
  const Request request{name, 1, 4, address, nullptr, 1};
  using Result = Programs::Result;
  const Result expected[] = {Result::kAction, Result::kUnplanned, Result::kFallback, Result::kFallbackClient,
                             Result::kUnplanned};
  for (uint16_t i = 0; i < 5; ++i) CHECK(programs.run(i, request).result == expected[i]);
  CHECK(programs.run(2, request).action == 2);
}

TEST_CASE("what could lead a run astray is refused") {
  const Maker good = with(Op::kNameIs, [](Maker& m) { return m.name("a"); });
  CHECK(refusal(good.bytes()) == "opened");
  const auto changed = [&](void (*change)(Maker&)) {
    Maker make = good;
    change(make);
    return refusal(make.bytes());
  };
  CHECK(changed([](Maker& m) {
          m.code[0].op = static_cast<uint8_t>(Op::kListIs);
          m.code[0].operand = 4;
        }) == "instruction 0 of program 0 does not fit its operand");
  CHECK(changed([](Maker& m) { m.code[0].on_true = 0; }) ==
        "instruction 0 of program 0 leads out of the program");
  CHECK(changed([](Maker& m) { m.code[0].on_false = 3; }) ==
        "instruction 0 of program 0 leads out of the program");
  CHECK(changed([](Maker& m) { m.code[0].operand = 1; }) ==
        "instruction 0 of program 0 does not fit its operand");
  CHECK(changed([](Maker& m) { m.code[0].op = program::kOps; }) ==
        "instruction 0 of program 0 does not fit its operand");
  CHECK(changed([](Maker& m) { m.code[2].operand = 3; }) ==
        "instruction 2 of program 0 does not fit its operand");
  CHECK(changed([](Maker& m) { m.programs[0].count = 4; }) == "program 0 lies outside the code");
  CHECK(changed([](Maker& m) { m.roles[0] = 2; }) == "role set 0 has a program that there is not");
  CHECK(changed([](Maker& m) { m.roles[0] = program::kFallback | 3; }) ==
        "role set 0 has a fallback to an action that there is not");
  CHECK(changed([](Maker& m) { m.terminals[1].action = 3; }) ==
        "terminal 1 names an action that there is not");
  CHECK(changed([](Maker& m) { m.constants[0].offset = 8; }) == "constant 0 lies outside the pool");
  CHECK(changed([](Maker& m) { m.constants[0].bytes = 256; }) == "constant 0 lies outside the pool");
  CHECK(changed([](Maker& m) { m.lists = 300; }) == "it names lists that the registry does not have");
  std::vector<uint8_t> bytes = good.bytes();
  bytes.resize(bytes.size() - 8);
  CHECK(refusal(bytes) == "its size is not what its header says");
  CHECK(refusal({}) == "it is shorter than its header");
}

TEST_CASE("a program that could take too long is refused") {
  Maker make;
  const uint16_t text = make.text("a");
  make.when(Op::kContains, text);
  make.code.clear();
  for (int i = 0; i < 100; ++i) make.code.push_back({static_cast<uint8_t>(Op::kContains), 0, 1, 1, text});
  make.code.push_back({0, 0, 0, 0, 1});
  make.programs[0] = {0, static_cast<uint32_t>(make.code.size())};
  CHECK(refusal(make.bytes()) == "program 0 may take too long");
  make.programs[0] = {50, 51};
  CHECK(refusal(make.bytes()) == "opened");
}
