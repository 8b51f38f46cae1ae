// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/actions.h"

#include <doctest/doctest.h>
#include <cstring>

namespace {

using namespace nnoe::tables;

std::string wire(std::initializer_list<std::string> labels) {
  std::string name;
  for (const std::string& label : labels) name += static_cast<char>(label.size()) + label;
  return name + '\0';
}

ActionSpec spec(Act act) {
  ActionSpec made;
  made.act = act;
  return made;
}

ActionSpec redirect_to(const std::string& cname) {
  ActionSpec made = spec(Act::kRedirect);
  made.cname = cname;
  return made;
}

std::string refusal(const ActionSpec& wrong) {
  ActionsBuilder builder;
  std::string why;
  CHECK(builder.add(wrong, why) < 0);
  return why;
}

std::string not_opened(const std::vector<uint8_t>& body) {
  Actions actions;
  std::string why;
  CHECK_FALSE(Actions::open({body.data(), body.size()}, actions, why));
  return why;
}

std::vector<uint8_t> small() {
  ActionsBuilder builder;
  std::string why;
  CHECK(builder.add(redirect_to(wire({"a", "b"})), why) == 1);
  return builder.build();
}

template <class Field>
std::vector<uint8_t> with(size_t record, Field Action::*field, Field value) {
  std::vector<uint8_t> body = small();
  Action action;
  uint8_t* at = body.data() + sizeof(ActionsHeader) + record * sizeof action;
  std::memcpy(&action, at, sizeof action);
  action.*field = value;
  std::memcpy(at, &action, sizeof action);
  return body;
}

}  // namespace

TEST_CASE("what is put in comes out, and equal actions have one number") {
  ActionsBuilder builder;
  std::string why;
  ActionSpec both = spec(Act::kRedirect);
  both.ttl = 30;
  both.a = {0xc0000201, 0xc6336401};
  both.aaaa = {std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16)};
  both.ede = 4;
  both.ede_text = "walled garden \xc3\xa9";
  ActionSpec pool = spec(Act::kPool);
  pool.pool = "quarantine";
  CHECK(builder.add(spec(Act::kNxdomain), why) == 1);
  CHECK(builder.add(both, why) == 2);
  CHECK(builder.add(pool, why) == 3);
  CHECK(builder.add(redirect_to(wire({"portal", "example"})), why) == 4);
  CHECK(builder.add(both, why) == 2);
  CHECK(builder.add(spec(Act::kAllow), why) == 0);
  const std::vector<uint8_t> body = builder.build();
  Actions actions;
  REQUIRE(Actions::open({body.data(), body.size()}, actions, why));
  REQUIRE(actions.count() == 5);
  CHECK(actions[0].what() == Act::kAllow);
  CHECK(actions[1].what() == Act::kNxdomain);
  CHECK(actions[1].ttl == 60);
  const Action& read = actions[2];
  CHECK(read.ttl == 30);
  REQUIRE((read.a == 2 && read.aaaa == 1));
  CHECK(std::memcmp(read.a_data(), "\xc0\0\2\1\xc6\x33\x64\1", 8) == 0);
  CHECK(std::memcmp(read.aaaa_data(), both.aaaa[0].data(), 16) == 0);
  CHECK(read.ede == 4);
  CHECK(read.ede_text() == both.ede_text);
  CHECK(actions[3].pool() == "quarantine");
  CHECK(actions[3].ede == kNoEde);
  const std::string target = wire({"portal", "example"});
  REQUIRE(actions[4].cname_bytes == target.size());
  CHECK(std::memcmp(actions[4].cname_data(), target.data(), target.size()) == 0);
}

TEST_CASE("the builder refuses what no reader would open, and says why") {
  ActionSpec wrong = spec(Act::kRedirect);
  CHECK(refusal(wrong) == "the action has no answer");
  wrong.a.assign(kMaxAddresses + 1, 1);
  CHECK(refusal(wrong) == "more than 8 addresses of a family");
  wrong.a.assign(1, 1);
  wrong.cname = wire({"x"});
  CHECK(refusal(wrong) == "the action has a CNAME beside addresses");
  CHECK(refusal(redirect_to("\3ab")) == "the action has a CNAME that is no name");
  CHECK(refusal(redirect_to(std::string(256, 'a'))) == "a CNAME of more than 255 bytes");
  wrong = spec(Act::kNxdomain);
  wrong.a = {1};
  CHECK(refusal(wrong) == "the action has an answer");
  wrong = spec(Act::kRefused);
  wrong.ede_text = "why";
  CHECK(refusal(wrong) == "the action has a text without an extended error");
  wrong.ede = 15;
  wrong.ede_text = "a\nb";
  CHECK(refusal(wrong) == "the action has a text that is not printable");
  CHECK(refusal(spec(Act::kPool)) == "the action has a pool or lacks one");
  wrong = spec(Act::kNodata);
  wrong.ttl = kMaxTtl + 1;
  CHECK(refusal(wrong) == "the action has a TTL of more than a week");
  wrong = spec(Act::kAllow);
  wrong.ede = 3;
  CHECK(refusal(wrong) == "the action allows, and has an error");
}

TEST_CASE("no more actions than a verdict can name") {
  ActionsBuilder builder;
  std::string why;
  ActionSpec each = spec(Act::kNodata);
  for (each.ttl = 0; each.ttl < kMaxActions - 1; ++each.ttl) REQUIRE(builder.add(each, why) >= 0);
  CHECK(builder.add(each, why) < 0);
  CHECK(why == "more than 1,024 different actions");
  const std::vector<uint8_t> body = builder.build();
  Actions actions;
  CHECK(Actions::open({body.data(), body.size()}, actions, why));
}

TEST_CASE("a section that is not as the builder makes it is refused with a reason") {
  std::vector<uint8_t> body = small();
  body.push_back(0);
  CHECK(not_opened(body) == "has bytes behind its last action");
  body.resize(body.size() - 2);
  CHECK(not_opened(body) == "action 1 ends behind the section");
  body.resize(30);
  CHECK(not_opened(body) == "shorter than its actions");
  body.resize(7);
  CHECK(not_opened(body) == "shorter than its header");
  CHECK(not_opened({0, 0, 0, 0, 0, 0, 0, 0}) == "holds no action, or too many");
  CHECK(not_opened(with<uint8_t>(1, &Action::act, 8)) == "action 1 does something that is unknown");
  CHECK(not_opened(with<uint8_t>(1, &Action::a, 9)) == "action 1 has more than 8 addresses of a family");
  CHECK(not_opened(with<uint8_t>(1, &Action::cname_bytes, 4)) == "action 1 has a CNAME that is no name");
  CHECK(not_opened(with<uint8_t>(1, &Action::pool_bytes, 1)) == "action 1 has a pool or lacks one");
  CHECK(not_opened(with<uint32_t>(1, &Action::payload, 17)) == "action 1 does not follow the one before");
  CHECK(not_opened(with<uint32_t>(1, &Action::payload, 0xfffffff0)) ==
        "action 1 does not follow the one before");
  CHECK(not_opened(with<uint8_t>(0, &Action::act, 3)) == "action 0 is not allow");
}

TEST_CASE("names in wire form") {
  const auto is = [](const std::string& name) {
    return is_wire_name(reinterpret_cast<const uint8_t*>(name.data()), name.size());
  };
  CHECK(is(wire({})));
  CHECK(is(wire({std::string(63, 'a'), "b"})));
  CHECK_FALSE(is(""));
  CHECK_FALSE(is("\1a"));
  CHECK_FALSE(is(wire({"a"}) + '\0'));
  CHECK_FALSE(is(std::string("\xc0\x0c", 2)));
  CHECK_FALSE(is(std::string(1, '\x40') + std::string(64, 'a') + '\0'));
  const std::string label(63, 'a');
  CHECK(is(wire({label, label, label, std::string(61, 'a')})));
  CHECK_FALSE(is(wire({label, label, label, std::string(62, 'a')})));
}
