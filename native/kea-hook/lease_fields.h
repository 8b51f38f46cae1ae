// SPDX-License-Identifier: MPL-2.0
// Kea's lease -> the fields of an event. The fields point into the lease: it must outlive them.
#pragma once

#include <dhcpsrv/lease.h>

#include <string>

#include "encode.h"

namespace nnoe::hook {

// `context` is where a user context's text is put, when there is one.
void fill(LeaseFields& fields, const isc::dhcp::Lease4& lease, std::string& context);
void fill(LeaseFields& fields, const isc::dhcp::Lease6& lease, std::string& context);

// Kea's states, the same in every version that has them.
constexpr uint32_t kStateDeclined = 1;
constexpr uint32_t kStateExpiredReclaimed = 2;
constexpr uint32_t kStateReleased = 3;

// Whether Kea keeps the row only to remember who had the address: reclaimed or released. Kea 2.6 has no state
// for a released lease and marks it by a lifetime of 0, which no lease that is held has.
inline bool is_memory_only(uint32_t state, uint32_t valid_lft) {
  return state == kStateExpiredReclaimed || state == kStateReleased || (state == 0 && valid_lft == 0);
}

uint64_t wall_clock_us();

}  // namespace nnoe::hook
