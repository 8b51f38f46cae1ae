// SPDX-License-Identifier: MPL-2.0
#include "hook.h"

#include <dhcp/dhcp4.h>
#include <dhcp/dhcp6.h>
#include <dhcp/pkt4.h>
#include <dhcp/pkt6.h>

#include "arguments.h"
#include "lease_fields.h"
#include "log.h"

namespace nnoe::hook {

using event::Operation;
using event::Origin;
using namespace isc::dhcp;  // NOLINT: codes are unscoped enumerators, in another header in each Kea
using isc::hooks::CalloutHandle;

Hook::Hook(Params params, int family) : params_(std::move(params)), family_(family), parking_(family) {
  journal::Options options;
  options.directory = params_.journal_directory;
  options.segment_bytes = params_.segment_size;
  options.cap_bytes = params_.journal_cap;
  options.report = [this](journal::Event event, const std::string& detail) { report(event, detail); };
  options.on_request = [this](journal::Request) { request_walk({event::WalkCause::kHost, 0}); };
  producer_ = journal::Producer::open(std::move(options));
  auto walker = std::make_unique<Walker>(
      Walker::Context{params_, family_, *producer_, counters_, owners_, expiring_, parking_});
  const std::lock_guard<std::mutex> lock(walker_mutex_);
  walker_ = std::move(walker);
  for (const WalkRange& range : early_) walker_->request(range);
}

Hook::~Hook() {
  std::unique_ptr<Walker> walker;
  {
    const std::lock_guard<std::mutex> lock(walker_mutex_);
    walker = std::move(walker_);
  }
  walker.reset();
  producer_.reset();
}

void Hook::request_walk(WalkRange range) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(walker_mutex_);
    if (walker_) {
      walker_->request(range);
    } else {
      early_.push_back(range);
    }
  } catch (...) {
    caught(counters_, Callout::kWalk);
  }
}

// On any thread of the producer's; must not call back into it.
void Hook::report(journal::Event event, const std::string& detail) noexcept {
  log_journal(event, detail);
  if (event == journal::Event::kReplaced || event == journal::Event::kWritable) {
    request_walk({event::WalkCause::kGap, 0});
  }
}

void Arguments::missing(const char* name) {
  isc_throw(isc::hooks::NoSuchArgument, "unable to find argument with name " << name);
}

void Hook::emit(LeaseFields& lease, uint64_t key) {
  lease.observed_us = wall_clock_us();
  uint8_t record[kMaxLeaseEvent];
  producer_->append(journal::Kind::kLease, key, record, encode(lease, record));
  counters_.count(lease.operation);
}

template <typename Lease>
void Hook::ended(const Lease& lease, Operation operation, Origin origin) {
  std::string context;
  LeaseFields fields;
  fill(fields, lease, context);
  fields.operation = operation;
  fields.origin = origin;
  const uint64_t key = address_key(fields.address, fields.address_size);
  owners_.forget(key);
  emit(fields, key);
}

// `query` gives the operation of a client whose address we have not seen before; asked only then.
template <typename Lease, typename Query>
void Hook::held(const Lease& lease, Query&& query) {
  if (lease.state_ == kStateDeclined) return ended(lease, Operation::kDecline, Origin::kClient);
  std::string context;
  LeaseFields fields;
  fill(fields, lease, context);
  const uint64_t key = address_key(fields.address, fields.address_size);
  fields.operation = query(owners_.replace(key, Owners::owner(fields)));
  fields.origin = Origin::kClient;
  emit(fields, key);
}

template <typename Lease>
void Hook::expired(const Lease& lease) {
  // Kea calls this for a declined lease whose probation is over, too, and lease*_recover just after it.
  const bool declined = lease.state_ == kStateDeclined;
  std::string context;
  LeaseFields fields;
  fill(fields, lease, context);
  fields.operation = declined ? Operation::kRecover : Operation::kExpire;
  fields.origin = Origin::kServer;
  const uint64_t key = address_key(fields.address, fields.address_size);
  expiring_.announce(key);
  owners_.forget(key);
  emit(fields, key);
}

namespace {

// For an address that was not seen before: a client that shows its address, or asks for it without having
// been offered it by this server, held it already.
Operation first_seen(const isc::dhcp::Pkt4& query) {
  if (!query.getCiaddr().isV4Zero()) return Operation::kRenew;
  const bool selects = query.options_.find(DHO_DHCP_SERVER_IDENTIFIER) != query.options_.end();
  return selects ? Operation::kAssign : Operation::kRenew;
}

}  // namespace

void Hook::committed4(CalloutHandle& handle) {
  watch_parking();
  Arguments arguments(handle);
  const auto& deleted = arguments.get<Lease4CollectionPtr>("deleted_leases4");
  const auto& leases = arguments.get<Lease4CollectionPtr>("leases4");
  const bool replaced = leases && !leases->empty();
  if (deleted) {
    for (const auto& lease : *deleted) {
      ended(*lease, Operation::kRelease, replaced ? Origin::kServer : Origin::kClient);
    }
  }
  if (!replaced) return;
  for (const auto& lease : *leases) {
    held(*lease, [&](Known known) {
      if (known != Known::kUnknown) return known == Known::kSame ? Operation::kRenew : Operation::kAssign;
      const auto& query = arguments.get<Pkt4Ptr>("query4");
      return query ? first_seen(*query) : Operation::kAssign;
    });
  }
}

void Hook::committed6(CalloutHandle& handle) {
  watch_parking();
  Arguments arguments(handle);
  const auto& deleted = arguments.get<Lease6CollectionPtr>("deleted_leases6");
  const auto& leases = arguments.get<Lease6CollectionPtr>("leases6");
  const auto& query = arguments.get<Pkt6Ptr>("query6");
  const uint8_t type = query ? query->getType() : uint8_t{DHCPV6_REQUEST};
  if (deleted) {
    for (const auto& lease : *deleted) {
      ended(*lease, Operation::kRelease, type == DHCPV6_RELEASE ? Origin::kClient : Origin::kServer);
    }
  }
  if (!leases) return;
  for (const auto& lease : *leases) {
    held(*lease, [&](Known known) {
      const bool extends = type == DHCPV6_RENEW || type == DHCPV6_REBIND;
      if (known == Known::kOther || (known == Known::kUnknown && !extends)) return Operation::kAssign;
      return type == DHCPV6_REBIND ? Operation::kRebind : Operation::kRenew;
    });
  }
}

void Hook::expired4(CalloutHandle& handle) {
  Arguments arguments(handle);
  const auto& lease = arguments.get<Lease4Ptr>("lease4");
  if (lease) expired(*lease);
}

void Hook::expired6(CalloutHandle& handle) {
  Arguments arguments(handle);
  const auto& lease = arguments.get<Lease6Ptr>("lease6");
  if (lease) expired(*lease);
}

void Hook::server_declined4(CalloutHandle& handle) {
  Arguments arguments(handle);
  const auto& lease = arguments.get<Lease4Ptr>("lease4");
  if (lease) ended(*lease, Operation::kDecline, Origin::kServer);
}

}  // namespace nnoe::hook
