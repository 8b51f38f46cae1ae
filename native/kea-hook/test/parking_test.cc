// SPDX-License-Identifier: MPL-2.0
// When a full parking lot is noticed, and when the walk for it comes, by a clock of the test's own.
#include <config.h>  // Kea's, before any header of Kea's that names TLS

#include "parking.h"

#include <dhcpsrv/cfgmgr.h>
#include <doctest/doctest.h>
#include <hooks/server_hooks.h>

using namespace nnoe::hook;
using namespace std::chrono_literals;
using isc::hooks::ServerHooks;

namespace {

constexpr int64_t kLimit = 8;  // so that seven count as full

struct Lot {
  Lot() {
    auto& hooks = ServerHooks::getServerHooks();
    if (hooks.findIndex("leases4_committed") < 0) hooks.registerHook("leases4_committed");
    hooks.getParkingLotsPtr()->clear();
    set_limit(kLimit);
  }
  static void set_limit(int64_t limit) {
    isc::dhcp::CfgMgr::instance().getCurrentCfg()->addConfiguredGlobal("parked-packet-limit",
                                                                       isc::data::Element::create(limit));
  }
  static isc::hooks::ParkingLotPtr now() {
    return ServerHooks::getServerHooks().getParkingLotPtr("leases4_committed");
  }
  // Until so many are parked; what is parked is a number.
  void fill(int count) {
    for (; parked < count; ++parked) now()->park(std::to_string(parked), [] {});
    for (; parked > count; --parked) now()->drop(std::to_string(parked - 1));
  }
  int parked = 0;
};

}  // namespace

TEST_CASE("a lot that is full is said once, and walked for when there is room") {
  Lot lot;
  Parking parking(4);
  auto at = Parking::Clock::now();
  lot.fill(100);
  CHECK(!parking.filled());  // the limit is not known yet
  lot.fill(6);
  CHECK(!parking.look(at).again);
  CHECK(!parking.filled());
  lot.fill(7);
  CHECK(parking.filled());
  CHECK(!parking.filled());
  CHECK(parking.owed());
  auto look = parking.look(at += 100ms);
  CHECK((look.first && look.owed && !look.walk));
  CHECK(look.again == 100ms);
  lot.fill(6);
  look = parking.look(at += 100ms);
  CHECK((!look.first && !look.owed && look.walk && !look.again));
  CHECK(!parking.owed());
  CHECK(!parking.look(at += 100ms).walk);

  // Again within the minute: the walk waits for the minute's end.
  lot.fill(8);
  CHECK(parking.filled());
  lot.fill(0);
  look = parking.look(at += 100ms);
  CHECK((look.first && look.owed && !look.walk));
  CHECK(look.again == 59'800ms);
  look = parking.look(at += 59'800ms);
  CHECK((look.walk && !look.owed));
  CHECK(parking.times() == 2);
}

TEST_CASE("a lot that stays full is walked for every minute, and once more in the end") {
  Lot lot;
  Parking parking(4);
  auto at = Parking::Clock::now();
  parking.look(at);
  lot.fill(8);
  CHECK(parking.filled());
  parking.look(at);
  CHECK(!parking.look(at += 59s).walk);
  auto look = parking.look(at += 1s);
  CHECK((look.walk && look.owed && look.again == 100ms));
  lot.fill(0);
  look = parking.look(at += 1s);
  CHECK((!look.walk && look.owed && look.again == 59s));
  look = parking.look(at += 59s);
  CHECK((look.walk && !look.owed && !look.again));
  CHECK(parking.times() == 1);
}

TEST_CASE("the lot is found again after Kea has cleared its lots; without a limit none is full") {
  Lot lot;
  Parking parking(4);
  const auto at = Parking::Clock::now();
  parking.look(at);
  ServerHooks::getServerHooks().getParkingLotsPtr()->clear();
  lot.fill(8);
  CHECK(parking.parked() == 8);
  CHECK(parking.filled());
  Lot::set_limit(0);
  Parking unlimited(4);
  unlimited.look(at);
  CHECK(!unlimited.filled());
  CHECK(unlimited.limit() == Parking::kUnlimited);
}
