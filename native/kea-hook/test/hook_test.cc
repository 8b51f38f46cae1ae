// SPDX-License-Identifier: MPL-2.0
// The parts of the hook that need no server: what it accepts as parameters, what a command means, what an
// encoded event holds, and what is remembered about walks and owners.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <hooks/callout_manager.h>
#include <unistd.h>

#include <boost/make_shared.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "arguments.h"
#include "commands.h"
#include "expiring.h"
#include "lease_fields.h"
#include "owners.h"
#include "params.h"
#include "walk_mark.h"

using namespace nnoe::hook;
using isc::data::ConstElementPtr;
using isc::data::Element;
using nnoe::event::LeaseType;
using nnoe::event::Operation;
using nnoe::event::Origin;
using nnoe::event::WalkCause;
namespace lease_event = nnoe::event::lease_event;

namespace {

ConstElementPtr json(const std::string& text) { return Element::fromJSON(text); }

std::string refusal(const std::string& parameters, int family = 4) {
  try {
    parse_params(json(parameters), family);
  } catch (const BadParameter& error) {
    return error.what();
  }
  return "";
}

CommandPlan plan(const std::string& name, const std::string& arguments, int result = 0, int family = 4) {
  return plan_command(family, name, json(arguments), json("{\"result\": " + std::to_string(result) + "}"));
}

// Field number -> varint or bytes, read independently of the writer.
struct Decoded {
  std::map<uint32_t, uint64_t> numbers;
  std::map<uint32_t, std::string> bytes;
};

uint64_t varint(const uint8_t*& at, const uint8_t* end) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    REQUIRE(at < end);
    value |= static_cast<uint64_t>(*at & 0x7f) << shift;
    if (!(*at++ & 0x80)) return value;
  }
}

Decoded decode(const uint8_t* at, size_t size) {
  Decoded decoded;
  for (const uint8_t* end = at + size; at < end;) {
    const uint64_t tag = varint(at, end);
    const auto field = static_cast<uint32_t>(tag >> 3);
    const uint64_t value = varint(at, end);
    if ((tag & 7) == 0) {
      decoded.numbers[field] = value;
    } else {
      REQUIRE((tag & 7) == 2);
      REQUIRE(value <= static_cast<uint64_t>(end - at));
      decoded.bytes[field] = std::string(reinterpret_cast<const char*>(at), value);
      at += value;
    }
  }
  return decoded;
}

Bytes view(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

}  // namespace

TEST_CASE("parameters have defaults for each family and take what is in range") {
  CHECK(parse_params(nullptr, 4).journal_directory == "/var/lib/nnoe/journal/dhcp4");
  CHECK(parse_params(json("{}"), 6).journal_directory == "/var/lib/nnoe/journal/dhcp6");
  const Params params = parse_params(json(R"({"journal-directory": "/j/", "segment-size": 65536,
      "journal-cap": 262144, "snapshot-on-start": false})"),
                                     4);
  CHECK(params.journal_directory == "/j");
  CHECK(params.segment_size == 65536);
  CHECK(params.journal_cap == 262144);
  CHECK_FALSE(params.snapshot_on_start);
}

TEST_CASE("a refused parameter is named, with what was found and what was expected") {
  CHECK(refusal(R"({"journal-dir": "/j"})").find("'journal-dir': found \"/j\"") != std::string::npos);
  CHECK(refusal(R"({"journal-directory": "j"})").find("expected an absolute path") != std::string::npos);
  CHECK(refusal(R"({"journal-directory": 7})").find("found 7 (integer)") != std::string::npos);
  CHECK(refusal(R"({"segment-size": 4096})").find("from 65536") != std::string::npos);
  CHECK(refusal(R"({"segment-size": 65537})").find("multiple of 4096") != std::string::npos);
  CHECK(refusal(R"({"segment-size": "8M"})").find("(string)") != std::string::npos);
  CHECK(refusal(R"({"snapshot-on-start": 1})").find("expected true or false") != std::string::npos);
  CHECK(refusal(R"({"journal-cap": 1048576})").find("four times 'segment-size'") != std::string::npos);
  CHECK(refusal(R"([1])").find("expected a map") != std::string::npos);
}

TEST_CASE("a command that names an address is looked up, one that does not is walked") {
  const CommandPlan add = plan("lease4-add", R"({"ip-address": "10.0.0.1", "subnet-id": 7})");
  REQUIRE(add.targets.size() == 1);
  CHECK(add.targets[0].address == "10.0.0.1");
  CHECK(add.targets[0].subnet_id == 7);
  CHECK(add.origin == Origin::kCommand);
  CHECK(plan("lease4-del", R"({"ip-address": "10.0.0.1"})").targets.size() == 1);
  const CommandPlan by_id =
      plan("lease4-del", R"({"identifier-type": "hw-address", "identifier": "00:01", "subnet-id": 3})");
  CHECK(by_id.targets.empty());
  CHECK(by_id.walks == std::vector<uint32_t>{3});
  CHECK(plan("lease4-wipe", R"({"subnet-id": 9})").walks == std::vector<uint32_t>{9});
  CHECK(plan_command(4, "lease4-wipe", nullptr, json(R"({"result": 0})")).walks == std::vector<uint32_t>{0});
  CHECK(plan("ha-sync", "{}").walks == std::vector<uint32_t>{0});
}

TEST_CASE("a bulk-apply gives every lease in it, with its type") {
  const CommandPlan bulk = plan("lease6-bulk-apply", R"({"origin": "ha-partner",
      "deleted-leases": [{"ip-address": "2001:db8::1", "type": "IA_NA"},
                         {"subnet-id": 2, "identifier": "01:02", "identifier-type": "duid"}],
      "leases": [{"ip-address": "2001:db8:1::", "type": "IA_PD"}]})",
                                3, 6);
  REQUIRE(bulk.targets.size() == 2);
  CHECK(bulk.targets[0].type == LeaseType::kNa);
  CHECK(bulk.targets[1].type == LeaseType::kPd);
  CHECK(bulk.walks == std::vector<uint32_t>{2});
  CHECK(bulk.origin == Origin::kPartner);
}

TEST_CASE("an HA partner is known by its word, or in Kea 2.2 by what it sends") {
  CHECK(plan("lease4-update", R"({"ip-address": "10.0.0.1", "origin": "ha-partner"})").origin ==
        Origin::kPartner);
  CHECK(plan("lease4-update", R"({"ip-address": "10.0.0.1", "expire": 5, "state": 0})").origin ==
        Origin::kPartner);
  CHECK(plan("lease4-update", R"({"ip-address": "10.0.0.1", "expire": 5})").origin == Origin::kCommand);
  CHECK(plan("lease6-bulk-apply", R"({"leases": [{"ip-address": "::1", "expire": 5, "state": 0}]})", 0, 6)
            .origin == Origin::kPartner);
}

TEST_CASE("commands that failed, change no lease or are malformed give nothing") {
  CHECK(plan("lease4-add", R"({"ip-address": "10.0.0.1"})", 1).empty());
  CHECK(plan("lease4-del", R"({"ip-address": "10.0.0.1"})", 3).empty());
  CHECK(plan("lease4-get", R"({"ip-address": "10.0.0.1"})").empty());
  CHECK(plan("lease6-add", R"({"ip-address": "::1"})", 0, 4).empty());
  CHECK(plan("config-reload", "{}").empty());
  CHECK(plan_command(4, "lease4-add", json(R"({"ip-address": "10.0.0.1"})"), nullptr).empty());
  CHECK(plan("lease6-bulk-apply", R"({"leases": 5, "deleted-leases": {}})", 0, 6).empty());
  CHECK(plan("lease4-wipe", R"({"subnet-id": -1})").walks == std::vector<uint32_t>{0});
  CHECK(plan("lease4-wipe", R"([1, 2])").walks == std::vector<uint32_t>{0});
}

TEST_CASE("an encoded event holds every field, and nothing that is zero") {
  const std::string hwaddr("\x02\x00\x00\x00\x00\x01", 6);
  const std::string hostile("a\0\n\x1b[31m\xff*..", 12);
  LeaseFields lease;
  lease.operation = Operation::kAssign;
  lease.origin = Origin::kClient;
  lease.type = LeaseType::kPd;
  lease.address_size = 16;
  lease.address[0] = 0x20;
  lease.prefix_len = 56;
  lease.hwtype = 1;
  lease.hwaddr = view(hwaddr);
  lease.iaid = 0xffffffff;
  lease.subnet_id = 128;
  lease.cltt = 1700000000;
  lease.valid_lft = 0xffffffff;
  lease.hostname = view(hostile);
  lease.fqdn_rev = true;
  lease.observed_us = 1700000000123456;
  std::vector<uint8_t> out(kMaxLeaseEvent);
  const Decoded decoded = decode(out.data(), encode(lease, out.data()));
  CHECK(decoded.numbers == std::map<uint32_t, uint64_t>{{lease_event::kOperation, 1},
                                                        {lease_event::kOrigin, 1},
                                                        {lease_event::kType, 2},
                                                        {lease_event::kPrefixLen, 56},
                                                        {lease_event::kHwtype, 1},
                                                        {lease_event::kIaid, 0xffffffff},
                                                        {lease_event::kSubnetId, 128},
                                                        {lease_event::kCltt, 1700000000},
                                                        {lease_event::kValidLft, 0xffffffff},
                                                        {lease_event::kFqdnRev, 1},
                                                        {lease_event::kObservedUs, 1700000000123456}});
  CHECK(decoded.bytes.at(lease_event::kHostname) == hostile);
  CHECK(decoded.bytes.at(lease_event::kHwaddr) == hwaddr);
  CHECK(decoded.bytes.at(lease_event::kAddress).size() == 16);
  CHECK(decoded.bytes.size() == 3);
}

TEST_CASE("numbers and bytes come back whatever their size") {
  std::vector<uint8_t> out(kMaxLeaseEvent);
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const uint64_t value : {uint64_t{1} << bit, (uint64_t{1} << bit) - 1, ~uint64_t{0} >> bit}) {
      CAPTURE(value);
      LeaseFields lease;
      lease.cltt = static_cast<int64_t>(value);
      lease.observed_us = lease.read_at = value;
      const Decoded decoded = decode(out.data(), encode(lease, out.data()));
      CHECK(decoded.bytes.empty());
      for (const uint32_t field : {lease_event::kCltt, lease_event::kObservedUs, lease_event::kReadAt}) {
        CHECK(decoded.numbers.count(field) == (value == 0 ? 0 : 1));
        if (value != 0) CHECK(decoded.numbers.at(field) == value);
      }
    }
  }
  for (const size_t size : {1, 7, 8, 127, 128, 254, 255}) {
    CAPTURE(size);
    LeaseFields lease;
    const std::string text(size, 'y');
    lease.hwaddr = lease.client_id = lease.duid = lease.hostname = lease.user_context = view(text);
    const Decoded decoded = decode(out.data(), encode(lease, out.data()));
    CHECK(decoded.bytes.size() == 5);
    for (const auto& [field, bytes] : decoded.bytes) CHECK(bytes == text);
  }
}

TEST_CASE("arguments of a callout are found where they lie, in the order of their names") {
  isc::hooks::CalloutHandle handle(boost::make_shared<isc::hooks::CalloutManager>());
  const auto leases = boost::make_shared<std::vector<int>>(1, 7);
  handle.setArgument("query4", std::string("q"));
  handle.setArgument("leases4", leases);
  handle.setArgument("deleted_leases4", 2);
  handle.setArgument("leases40", 3);
  Arguments arguments(handle);
  CHECK(arguments.get<int>("deleted_leases4") == 2);
  CHECK(arguments.get<boost::shared_ptr<std::vector<int>>>("leases4") == leases);
  CHECK(leases.use_count() == 2);  // ours and the map's: nothing was copied
  CHECK(arguments.get<std::string>("query4") == "q");
  CHECK(arguments.get<std::string>("query4") == "q");
  CHECK_THROWS_AS(arguments.get<int>("query4"), boost::bad_any_cast);
  CHECK_THROWS_AS(arguments.get<int>("query6"), isc::hooks::NoSuchArgument);
  CHECK_THROWS_AS(Arguments(handle).get<int>("lease"), isc::hooks::NoSuchArgument);
  isc::hooks::CalloutHandle bare(boost::make_shared<isc::hooks::CalloutManager>());
  CHECK_THROWS_AS(Arguments(bare).get<int>("lease4"), isc::hooks::NoSuchArgument);
}

TEST_CASE("the largest event fits the buffer; a longer user context is left out, longer bytes are cut") {
  const std::string huge(100000, 'x');
  LeaseFields lease;
  lease.operation = Operation::kSnapshot;
  lease.origin = Origin::kWalk;
  lease.type = LeaseType::kPd;
  lease.address_size = 16;
  lease.prefix_len = 255;
  lease.hwaddr = lease.client_id = lease.duid = lease.hostname = view(huge);
  lease.hwtype = lease.iaid = lease.subnet_id = lease.state = 0xffffffff;
  lease.valid_lft = lease.preferred_lft = 0xffffffff;
  lease.cltt = -1;
  lease.fqdn_fwd = lease.fqdn_rev = true;
  lease.user_context = {view(huge).data, kMaxUserContext};
  lease.observed_us = lease.read_at = ~uint64_t{0};
  std::vector<uint8_t> out(kMaxLeaseEvent);  // the address sanitizer watches its end
  const size_t size = encode(lease, out.data());
  CHECK(size <= kMaxLeaseEvent);
  const Decoded decoded = decode(out.data(), size);
  CHECK(decoded.bytes.at(lease_event::kUserContext).size() == kMaxUserContext);
  CHECK(decoded.bytes.at(lease_event::kHostname).size() == kMaxHostname);
  CHECK(decoded.bytes.at(lease_event::kDuid).size() == kMaxId);
  CHECK(decoded.numbers.at(lease_event::kCltt) == ~uint64_t{0});
  lease.user_context.size = kMaxUserContext + 1;
  CHECK(decode(out.data(), encode(lease, out.data())).bytes.count(lease_event::kUserContext) == 0);
}

TEST_CASE("each byte of an owner counts, whatever its length") {
  for (size_t size = 1; size <= 40; ++size) {
    std::string id(size, 'o');
    LeaseFields lease;
    lease.client_id = view(id);
    const uint32_t before = Owners::owner(lease);
    for (char& byte : id) {
      byte = 'p';
      CHECK(Owners::owner(lease) != before);
      byte = 'o';
    }
    CHECK(Owners::owner(lease) == before);
  }
}

TEST_CASE("owners tell a new lease from an extended one, and forget") {
  const uint8_t address[4] = {10, 0, 0, 1};
  const uint8_t neighbour[4] = {10, 0, 0, 2};
  const uint64_t key = address_key(address, 4);
  CHECK(key != address_key(neighbour, 4));
  LeaseFields a;
  LeaseFields b;
  const std::string one(255, 'a');
  std::string other = one;
  other.back() = 'b';
  a.client_id = view(one);
  b.client_id = view(other);
  CHECK(Owners::owner(a) != Owners::owner(b));
  CHECK(Owners::owner(LeaseFields{}) != 0);
  Owners owners;
  CHECK(owners.replace(key, Owners::owner(a)) == Known::kUnknown);
  CHECK(owners.replace(key, Owners::owner(a)) == Known::kSame);
  CHECK(owners.replace(key, Owners::owner(b)) == Known::kOther);
  owners.learn(key, Owners::owner(a));  // a walk knows less than an event
  CHECK(owners.replace(key, Owners::owner(b)) == Known::kSame);
  owners.forget(key);
  CHECK(owners.replace(key, Owners::owner(b)) == Known::kUnknown);
}

TEST_CASE("rows that Kea keeps as a memory are told from leases") {
  CHECK(is_memory_only(kStateExpiredReclaimed, 3600));
  CHECK(is_memory_only(kStateReleased, 0));
  CHECK(is_memory_only(0, 0));
  CHECK_FALSE(is_memory_only(0, 3600));
  CHECK_FALSE(is_memory_only(kStateDeclined, 0));
  CHECK_FALSE(is_memory_only(4, 3600));
}

TEST_CASE("an announced expiry is held until the same thread announces another") {
  Expiring expiring;
  CHECK_FALSE(expiring.holds(5));
  expiring.announce(5);
  CHECK(expiring.holds(5));
  expiring.announce(6);
  CHECK_FALSE(expiring.holds(5));
}

TEST_CASE("the walks file survives a round trip, and a damaged one means that nothing is known") {
  char name[] = "/tmp/nnoe-hook-test-XXXXXX";
  const std::string directory = mkdtemp(name);
  CHECK(read_mark(directory).pid == 0);
  WalkMark mark = mark_of_this_process("type=memfile password=secret");
  CHECK(mark.pid == static_cast<uint64_t>(getpid()));
  CHECK(mark.start_time != 0);
  CHECK(mark.database != mark_of_this_process("type=memfile").database);
  mark.pending = {{WalkCause::kWipe, 7}, {WalkCause::kStart, 0}};
  REQUIRE(write_mark(directory, mark));
  const WalkMark read = read_mark(directory);
  CHECK(read.pid == mark.pid);
  CHECK(read.start_time == mark.start_time);
  CHECK(read.database == mark.database);
  REQUIRE(read.pending.size() == 2);
  CHECK(read.pending[0].cause == WalkCause::kWipe);
  CHECK(read.pending[0].subnet_id == 7);
  std::ofstream(directory + "/walks") << "nnoe-walks 1\nprocess 1 2\npending 77 0\n";
  CHECK(read_mark(directory).pid == 0);
  std::ofstream(directory + "/walks") << "nnoe-walks 2\nprocess 1 2\n";
  CHECK(read_mark(directory).pid == 0);
  std::filesystem::remove_all(directory);
  CHECK_FALSE(write_mark(directory, mark));
}
