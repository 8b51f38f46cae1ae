// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/answer.h"

#include <doctest/doctest.h>

#include "dnsdist-bridge/test/wire.h"

namespace {

using namespace nnoe::bridge;
using namespace nnoe::tables;
using namespace nnoe::test;

constexpr uint16_t kBlocked = 15;

ActionSpec spec(Act act, bool error = false) {
  ActionSpec made;
  made.act = act;
  made.ttl = 30;
  if (error) made.ede = kBlocked;
  if (error) made.ede_text = "on a list";
  return made;
}

ActionSpec addresses(size_t a, size_t aaaa) {
  ActionSpec made = spec(Act::kRedirect);
  for (size_t i = 0; i < a; ++i) made.a.push_back(static_cast<uint32_t>(0xc0000201 + i));
  made.aaaa.assign(aaaa, std::string(16, 'x'));
  return made;
}

Bytes raw(const Asked& asked, const ActionSpec& spec, Transport transport) {
  const ActionTable table(spec);
  const Bytes query = packet(asked);
  uint8_t out[kMaxAnswer];
  const size_t size =
      answer(reinterpret_cast<const uint8_t*>(query.data()), query.size(), transport, table[1], out);
  return {out, out + size};
}

Message answered(const Asked& asked, const ActionSpec& spec, Transport transport = Transport::kUdp) {
  const auto message = parse(raw(asked, spec, transport));
  REQUIRE(message.has_value());
  CHECK(message->id == 0xbeef);
  return *message;
}

Asked with_edns(unsigned udp_size = 1232, bool dnssec_ok = false) {
  Asked asked;
  asked.edns = Edns{udp_size, dnssec_ok, {}};
  return asked;
}

constexpr unsigned kQr = 0x8000, kTc = 0x0200, kRd = 0x0100, kRa = 0x0080, kAd = 0x0020, kCd = 0x0010;

}  // namespace

TEST_CASE("a negative answer carries a SOA whose minimum is the TTL") {
  for (const Act act : {Act::kNxdomain, Act::kNodata}) {
    const Message message = answered({}, spec(act));
    CHECK(message.flags == (kQr | kRd | kRa | (act == Act::kNxdomain ? 3U : 0U)));
    CHECK(message.sections[0].empty());
    CHECK(message.sections[2].empty());
    REQUIRE(message.sections[1].size() == 1);
    const Record& soa = message.sections[1][0];
    CHECK(soa.owner == be16(0xc00c));
    CHECK(soa.type == 6);
    CHECK(soa.ttl == 30);
    CHECK(soa.data.substr(soa.data.size() - 4) == be16(0) + be16(30));
  }
}

TEST_CASE("refused says nothing besides, and keeps its OPT record from dnsdist when that has an error") {
  const Message plain = answered({}, spec(Act::kRefused, true));
  CHECK(plain.flags == (kQr | kRd | kRa | 5U));
  for (const auto& section : plain.sections) CHECK(section.empty());
  const Message edns = answered(with_edns(), spec(Act::kRefused));
  CHECK(edns.sections[1].empty());
  const Message error = answered(with_edns(), spec(Act::kRefused, true));
  CHECK(error.sections[1].size() == 1);
  CHECK(error.sections[2].size() == 1);
}

TEST_CASE("bits of the query that an answer repeats, and those that it does not") {
  Asked asked;
  asked.flags = kCd | kAd | 0x0040 | 0x0400;
  CHECK(answered(asked, spec(Act::kNodata)).flags == (kQr | kCd));
  asked.flags = kRd | kCd;
  CHECK(answered(asked, spec(Act::kNodata)).flags == (kQr | kRd | kRa | kCd));
}

TEST_CASE("the question keeps its letters") {
  Asked asked;
  asked.name = wire_name({"aDs", "ExAmPlE"});
  CHECK(answered(asked, spec(Act::kNxdomain)).question == asked.name + be16(1) + be16(1));
}

TEST_CASE("a redirection to addresses answers their types, and that there is nothing else") {
  const ActionSpec action = addresses(2, 1);
  Asked asked;
  Message message = answered(asked, action);
  REQUIRE(message.sections[0].size() == 2);
  CHECK(message.sections[0][0].data == Bytes("\xc0\0\2\1", 4));
  CHECK(message.sections[0][1].data == Bytes("\xc0\0\2\2", 4));
  CHECK(message.sections[0][0].ttl == 30);
  CHECK(message.sections[1].empty());
  asked.type = 28;
  message = answered(asked, action);
  REQUIRE(message.sections[0].size() == 1);
  CHECK(message.sections[0][0].type == 28);
  CHECK(message.sections[0][0].data == Bytes(16, 'x'));
  asked.type = 255;
  CHECK(answered(asked, action).sections[0].size() == 3);
  for (const unsigned type : {65U, 16U, 15U, 5U}) {
    asked.type = type;
    message = answered(asked, action);
    CHECK(message.sections[0].empty());
    CHECK(message.sections[1].size() == 1);
    CHECK((message.flags & 15) == 0);
  }
  asked.type = 28;
  CHECK(answered(asked, addresses(1, 0)).sections[1].size() == 1);
}

TEST_CASE("a redirection to a name answers every type; other classes have nothing") {
  ActionSpec action = spec(Act::kRedirect);
  action.cname = wire_name({"portal", "example"});
  Asked asked;
  for (const unsigned type : {1U, 28U, 5U, 65U, 255U}) {
    asked.type = type;
    const Message message = answered(asked, action);
    REQUIRE(message.sections[0].size() == 1);
    CHECK(message.sections[0][0].type == 5);
    CHECK(message.sections[0][0].data == action.cname);
  }
  asked.klass = 3;
  CHECK(answered(asked, action).sections[0].empty());
  asked.klass = 255;
  CHECK(answered(asked, action).sections[0][0].klass == 1);
}

TEST_CASE("an OPT record for a client that sent one, with its DO bit and the extended error") {
  const ActionSpec action = spec(Act::kNxdomain, true);
  CHECK(answered({}, action).sections[2].empty());
  for (const bool dnssec_ok : {false, true}) {
    const Message message = answered(with_edns(4096, dnssec_ok), action);
    REQUIRE(message.sections[2].size() == 1);
    const Record& record = message.sections[2][0];
    CHECK(record.owner == Bytes(1, '\0'));
    CHECK(record.type == 41);
    CHECK(record.klass == 1232);
    CHECK(record.ttl == (dnssec_ok ? 0x8000U : 0U));
    CHECK(record.data == be16(15) + be16(11) + be16(kBlocked) + "on a list");
  }
  CHECK(answered(with_edns(), spec(Act::kNodata)).sections[2][0].data.empty());
}

TEST_CASE("what is too long for UDP loses its text, then its records") {
  ActionSpec action = addresses(0, 8);
  action.ede = kBlocked;
  action.ede_text.assign(kMaxEdeText, 't');
  Asked asked = with_edns(512);
  asked.type = 28;
  asked.name = wire_name({std::string(63, 'a'), std::string(63, 'a')});
  Message message = answered(asked, action);
  CHECK((message.flags & kTc) == 0);
  CHECK(message.sections[0].size() == 8);
  CHECK(message.sections[2][0].data.empty());
  asked.name =
      wire_name({std::string(63, 'a'), std::string(63, 'a'), std::string(63, 'a'), std::string(61, 'a')});
  asked.edns->udp_size = 100;  // to be read as 512
  asked.type = 255;
  action.a.assign(8, 1);
  message = answered(asked, action);
  CHECK((message.flags & kTc) != 0);
  CHECK(message.sections[0].empty());
  CHECK(message.sections[2].size() == 1);
  message = answered(asked, action, Transport::kTcp);
  CHECK((message.flags & kTc) == 0);
  CHECK(message.sections[0].size() == 16);
  CHECK(message.sections[2][0].data.size() == 6 + kMaxEdeText);
}

TEST_CASE("truncated: the question, TC, and no more") {
  const Message message = answered(with_edns(), spec(Act::kTruncate, true));
  CHECK(message.flags == (kQr | kTc | kRd | kRa));
  CHECK(message.sections[0].empty());
  CHECK(message.sections[1].empty());
}

TEST_CASE("what asks for no data is refused whatever it would be told") {
  Asked notify;
  notify.flags = 0x2000;
  const Message message = answered(notify, addresses(1, 0));
  CHECK(message.flags == (kQr | 0x2000U | 5U));
  CHECK(message.sections[0].empty());
}

TEST_CASE("an OPT record is found behind others, and only a whole one at the root") {
  const auto opts = [](const Bytes& query) {
    const ActionTable table(spec(Act::kNxdomain));
    uint8_t out[kMaxAnswer];
    const size_t size =
        answer(reinterpret_cast<const uint8_t*>(query.data()), query.size(), Transport::kUdp, table[1], out);
    const auto message = parse({out, out + size});
    REQUIRE(message.has_value());
    return message->sections[2].size();
  };
  const auto query = [](const Bytes& records, unsigned additional) {
    return be16(1) + be16(0) + be16(1) + be16(0) + be16(0) + be16(additional) + wire_name({"a"}) + be16(1) +
           be16(1) + records;
  };
  const Bytes other = be16(0xc00c) + be16(1) + be16(1) + be16(0) + be16(0) + be16(4) + "abcd";
  CHECK(opts(query(opt({}), 1)) == 1);
  CHECK(opts(query(other + opt({}), 2)) == 1);
  CHECK(opts(query(other + opt({}), 1)) == 0);
  CHECK(opts(query(opt({}).substr(0, 9), 1)) == 0);
  CHECK(opts(query(wire_name({"b"}) + opt({}).substr(1), 1)) == 0);
  CHECK(opts(query(opt({1232, false, "abcd"}).substr(0, 13), 1)) == 0);
}

TEST_CASE("no answer to what has no question") {
  const ActionTable table(spec(Act::kNxdomain));
  uint8_t out[kMaxAnswer];
  const auto size = [&](const Bytes& query) {
    return answer(reinterpret_cast<const uint8_t*>(query.data()), query.size(), Transport::kUdp, table[1],
                  out);
  };
  const Bytes whole = packet({});
  CHECK(size(whole) > 0);
  for (size_t length = 0; length < whole.size(); ++length) CHECK(size(whole.substr(0, length)) == 0);
  Bytes none = whole;
  none[5] = 0;
  CHECK(size(none) == 0);
  Asked pointer;
  pointer.name = be16(0xc00c);
  CHECK(size(packet(pointer)) == 0);
}

TEST_CASE("a name is not redirected to itself") {
  ActionSpec action = spec(Act::kRedirect);
  action.cname = wire_name({"Portal", "example"});
  const ActionTable table({action, addresses(1, 1)});
  const auto to = [&](uint32_t id, const Bytes& name) {
    return redirects_to(table[id], reinterpret_cast<const uint8_t*>(name.data()), name.size());
  };
  CHECK(to(1, wire_name({"pORTAL", "EXAMPLE"})));
  CHECK_FALSE(to(1, wire_name({"portal", "exampla"})));
  CHECK_FALSE(to(1, wire_name({"a", "portal", "example"})));
  CHECK_FALSE(to(2, wire_name({"portal", "example"})));
}
