// SPDX-License-Identifier: MPL-2.0
// What a processed command did to leases. Commands never reach leases*_committed; command_processed tells
// their name, arguments and response. A command that names an address is answered by looking at that address
// in Kea's database again; one that does not (a wipe, a deletion by identifier) by walking its subnet again.
#pragma once

#include <cc/data.h>

#include <cstdint>
#include <string>
#include <vector>

#include "encode.h"

namespace nnoe::hook {

struct CommandTarget {
  std::string address;  // text, as the command gave it
  event::LeaseType type = event::LeaseType::kNa;
  uint32_t subnet_id = 0;  // 0: the command did not say
};

struct CommandPlan {
  event::Origin origin = event::Origin::kCommand;
  std::vector<CommandTarget> targets;
  std::vector<uint32_t> walks;  // subnets; 0: all of them
  bool empty() const { return targets.empty() && walks.empty(); }
};

// `family` is 4 or 6. Commands that change no lease, or that failed, give an empty plan. Does not throw for
// any content of `arguments` and `response`, both of which may be null.
CommandPlan plan_command(int family, const std::string& name, const isc::data::ConstElementPtr& arguments,
                         const isc::data::ConstElementPtr& response);

}  // namespace nnoe::hook
