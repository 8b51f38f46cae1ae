// SPDX-License-Identifier: MPL-2.0
#include "lease_fields.h"

#include <time.h>

namespace nnoe::hook {

using isc::dhcp::Lease;
using isc::dhcp::Lease4;
using isc::dhcp::Lease6;

namespace {

Bytes view(const std::vector<uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

void fill_common(LeaseFields& fields, const Lease& lease, std::string& context) {
  if (lease.hwaddr_) {
    fields.hwtype = lease.hwaddr_->htype_;
    fields.hwaddr = view(lease.hwaddr_->hwaddr_);
  }
  fields.subnet_id = lease.subnet_id_;
  fields.state = lease.state_;
  fields.cltt = lease.cltt_;
  fields.valid_lft = lease.valid_lft_;
  fields.hostname = {reinterpret_cast<const uint8_t*>(lease.hostname_.data()), lease.hostname_.size()};
  fields.fqdn_fwd = lease.fqdn_fwd_;
  fields.fqdn_rev = lease.fqdn_rev_;
  if (const isc::data::ConstElementPtr user_context = lease.getContext()) {
    context = user_context->str();
    fields.user_context = {reinterpret_cast<const uint8_t*>(context.data()), context.size()};
  }
}

}  // namespace

void fill(LeaseFields& fields, const Lease4& lease, std::string& context) {
  const uint32_t address = lease.addr_.toUint32();
  for (unsigned i = 0; i < 4; ++i) fields.address[i] = static_cast<uint8_t>(address >> (24 - 8 * i));
  fields.address_size = 4;
  fields.prefix_len = 32;
  if (lease.client_id_) fields.client_id = view(lease.client_id_->getClientId());
  fill_common(fields, lease, context);
}

void fill(LeaseFields& fields, const Lease6& lease, std::string& context) {
  const std::vector<uint8_t> address = lease.addr_.toBytes();
  fields.address_size = static_cast<uint8_t>(std::min<size_t>(address.size(), 16));
  std::memcpy(fields.address, address.data(), fields.address_size);
  fields.prefix_len = lease.prefixlen_;
  fields.type = lease.type_ == Lease::TYPE_PD   ? event::LeaseType::kPd
                : lease.type_ == Lease::TYPE_TA ? event::LeaseType::kTa
                                                : event::LeaseType::kNa;
  if (lease.duid_) fields.duid = view(lease.duid_->getDuid());
  fields.iaid = lease.iaid_;
  fields.preferred_lft = lease.preferred_lft_;
  fill_common(fields, lease, context);
}

uint64_t wall_clock_us() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace nnoe::hook
