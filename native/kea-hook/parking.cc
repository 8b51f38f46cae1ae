// SPDX-License-Identifier: MPL-2.0
#include <config.h>  // Kea's, before any header of Kea's that names TLS

#include "parking.h"

#include <dhcpsrv/cfgmgr.h>
#include <hooks/server_hooks.h>

#include <algorithm>

namespace nnoe::hook {

using isc::hooks::ParkingLotPtr;
using isc::hooks::ServerHooks;

namespace {

// Between a packet's parking and our look another one may have left: then the lot was full, and we see less.
// A few at most, fewer than there are threads, so an eighth of the limit is taken off.
constexpr size_t kMargin = 8;

}  // namespace

Parking::Parking(int family) : family_(family) { renew(); }

ParkingLotPtr* Parking::renew() {
  const std::lock_guard<std::mutex> lock(renewal_);
  if (lots_.empty() || lots_.back().use_count() == 1) {
    const char* name = family_ == 4 ? "leases4_committed" : "leases6_committed";
    lots_.push_back(ServerHooks::getServerHooks().getParkingLotPtr(name));
    lot_.store(&lots_.back(), std::memory_order_release);
  }
  return &lots_.back();
}

void Parking::read_limit() {
  const auto limit =
      isc::dhcp::CfgMgr::instance().getCurrentCfg()->getConfiguredGlobal("parked-packet-limit");
  const int64_t value = limit ? limit->intValue() : 0;
  const size_t most = value > 0 ? static_cast<size_t>(value) : kUnlimited;
  limit_.store(most, std::memory_order_relaxed);
  crowded_.store(most == kUnlimited ? most : most - most / kMargin, std::memory_order_relaxed);
}

size_t Parking::parked() { return (*renew())->size(); }

Parking::Look Parking::look(Clock::time_point now) {
  read_limit();
  Look look;
  if (!noticed_.load()) return look;
  look.first = !since_;
  if (look.first) {
    since_ = now;
    times_.fetch_add(1, std::memory_order_relaxed);
  }
  // Before the look at the lot: what fills it after that look is noticed anew.
  noticed_ = false;
  const bool room = parked() < crowded_.load(std::memory_order_relaxed);
  const Clock::time_point allowed = walked_ ? *walked_ + kWalkInterval : now;
  // A lot that stays full cannot put the walk off for ever.
  const Clock::time_point due = room ? allowed : std::max(allowed, *since_ + kWalkInterval);
  look.walk = now >= due;
  look.owed = !look.walk || !room;
  if (look.walk) walked_ = since_ = now;
  if (!look.owed) since_.reset();
  if (look.owed) {
    noticed_ = true;
    const bool only_wait = room && !look.walk;
    look.again = only_wait ? std::chrono::duration_cast<std::chrono::microseconds>(due - now) : kLook;
  }
  return look;
}

}  // namespace nnoe::hook
