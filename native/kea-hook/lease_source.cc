// SPDX-License-Identifier: MPL-2.0
#include <config.h>  // Kea's, before any header of Kea's that names TLS

#include "lease_source.h"

#include <dhcpsrv/cfgmgr.h>
#include <dhcpsrv/lease_mgr.h>
#include <dhcpsrv/lease_mgr_factory.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <util/multi_threading_mgr.h>

#include "lease_fields.h"

namespace nnoe::hook {

using isc::asiolink::IOAddress;
using isc::dhcp::CfgMgr;
using isc::dhcp::Lease;
using isc::dhcp::LeaseMgrFactory;
using isc::dhcp::LeasePageSize;

struct LeaseSource::State {
  explicit State(int which)
      : family(which),
        cursor(which == 4 ? IOAddress::IPV4_ZERO_ADDRESS() : IOAddress::IPV6_ZERO_ADDRESS()),
        staged(cursor) {}
  int family;
  IOAddress cursor;  // the last address that was handed out
  IOAddress staged;
  isc::dhcp::Lease4Ptr lease4;  // what find()'s fields point into
  isc::dhcp::Lease6Ptr lease6;
  std::string context;
};

LeaseSource::LeaseSource(int family) : state_(std::make_unique<State>(family)) {}
LeaseSource::~LeaseSource() = default;

bool LeaseSource::ready() { return LeaseMgrFactory::haveInstance(); }

bool LeaseSource::may_read() {
  const bool main_thread = syscall(SYS_gettid) == getpid();
  return ready() && (main_thread || isc::util::MultiThreadingMgr::instance().getMode());
}

std::string LeaseSource::database() {
  return CfgMgr::instance().getCurrentCfg()->getCfgDbAccess()->getLeaseDbAccessString();
}

bool LeaseSource::parse(const std::string& address, LeaseFields& fields) const {
  try {
    const IOAddress parsed(address);
    if (parsed.isV4() != (state_->family == 4)) return false;
    const std::vector<uint8_t> bytes = parsed.toBytes();
    fields.address_size = static_cast<uint8_t>(std::min<size_t>(bytes.size(), 16));
    std::memcpy(fields.address, bytes.data(), fields.address_size);
    return true;
  } catch (const isc::Exception&) {
    return false;
  }
}

bool LeaseSource::find(const std::string& address, event::LeaseType type, LeaseFields& fields) {
  const IOAddress at(address);
  auto& leases = LeaseMgrFactory::instance();
  if (state_->family == 4) {
    state_->lease4 = leases.getLease4(at);
    if (state_->lease4) fill(fields, *state_->lease4, state_->context);
    return state_->lease4 != nullptr;
  }
  const Lease::Type kea_type = type == event::LeaseType::kPd   ? Lease::TYPE_PD
                               : type == event::LeaseType::kTa ? Lease::TYPE_TA
                                                               : Lease::TYPE_NA;
  state_->lease6 = leases.getLease6(kea_type, at);
  if (state_->lease6) fill(fields, *state_->lease6, state_->context);
  return state_->lease6 != nullptr;
}

void LeaseSource::rewind() {
  state_->cursor = state_->family == 4 ? IOAddress::IPV4_ZERO_ADDRESS() : IOAddress::IPV6_ZERO_ADDRESS();
  state_->staged = state_->cursor;
}

size_t LeaseSource::page(size_t size, const std::function<void(LeaseFields&)>& take) {
  const auto hand_out = [&](const auto& leases) {
    for (const auto& lease : leases) {
      LeaseFields fields;
      fill(fields, *lease, state_->context);
      take(fields);
      state_->staged = lease->addr_;
    }
    return leases.size();
  };
  auto& leases = LeaseMgrFactory::instance();
  const LeasePageSize page_size(size);
  if (state_->family == 4) return hand_out(leases.getLeases4(state_->cursor, page_size));
  return hand_out(leases.getLeases6(state_->cursor, page_size));
}

void LeaseSource::advance() { state_->cursor = state_->staged; }

}  // namespace nnoe::hook
