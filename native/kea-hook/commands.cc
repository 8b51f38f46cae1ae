// SPDX-License-Identifier: MPL-2.0
#include "commands.h"

#include <limits>

namespace nnoe::hook {

using isc::data::ConstElementPtr;
using isc::data::Element;

namespace {

constexpr int64_t kSuccess = 0;
constexpr int64_t kEmpty = 3;  // "nothing matched": a bulk-apply that changed nothing, a wipe of no lease

ConstElementPtr member(const ConstElementPtr& map, const char* name, Element::types type) {
  if (!map || map->getType() != Element::map) return {};
  ConstElementPtr found = map->get(name);
  return found && found->getType() == type ? found : ConstElementPtr();
}

uint32_t subnet_of(const ConstElementPtr& arguments) {
  const ConstElementPtr id = member(arguments, "subnet-id", Element::integer);
  if (!id || id->intValue() < 0 || id->intValue() > std::numeric_limits<uint32_t>::max()) return 0;
  return static_cast<uint32_t>(id->intValue());
}

event::LeaseType type_of(const ConstElementPtr& arguments) {
  const ConstElementPtr type = member(arguments, "type", Element::string);
  if (!type) return event::LeaseType::kNa;
  const std::string text = type->stringValue();
  if (text == "IA_PD" || text == "2") return event::LeaseType::kPd;
  if (text == "IA_TA" || text == "1") return event::LeaseType::kTa;
  return event::LeaseType::kNa;
}

// From Kea 2.4 on an HA partner says who it is. Kea 2.2's does not, but sends the whole lease with its time
// of expiry and its state; people rarely write both, and never to delete.
bool is_from_partner(const ConstElementPtr& arguments) {
  const ConstElementPtr origin = member(arguments, "origin", Element::string);
  if (origin) return origin->stringValue() == "ha-partner";
  return member(arguments, "expire", Element::integer) && member(arguments, "state", Element::integer);
}

void add_lease(CommandPlan& plan, const ConstElementPtr& lease) {
  if (is_from_partner(lease)) plan.origin = event::Origin::kPartner;
  if (const ConstElementPtr address = member(lease, "ip-address", Element::string)) {
    plan.targets.push_back({address->stringValue(), type_of(lease), subnet_of(lease)});
  } else {
    plan.walks.push_back(subnet_of(lease));
  }
}

void add_list(CommandPlan& plan, const ConstElementPtr& arguments, const char* name) {
  const ConstElementPtr list = member(arguments, name, Element::list);
  if (!list) return;
  for (const auto& lease : list->listValue()) add_lease(plan, lease);
}

int64_t result_of(const ConstElementPtr& response) {
  const ConstElementPtr result = member(response, "result", Element::integer);
  return result ? result->intValue() : -1;
}

}  // namespace

CommandPlan plan_command(int family, const std::string& name, const ConstElementPtr& arguments,
                         const ConstElementPtr& response) {
  CommandPlan plan;
  const int64_t result = result_of(response);
  if (result != kSuccess && result != kEmpty) return plan;
  if (is_from_partner(arguments)) plan.origin = event::Origin::kPartner;

  const std::string prefix = family == 4 ? "lease4-" : "lease6-";
  if (name == "ha-sync" && result == kSuccess) {
    plan.walks.push_back(0);
  } else if (name.compare(0, prefix.size(), prefix) == 0) {
    const std::string verb = name.substr(prefix.size());
    if (verb == "wipe") {
      plan.walks.push_back(subnet_of(arguments));
    } else if (verb == "bulk-apply") {
      add_list(plan, arguments, "deleted-leases");
      add_list(plan, arguments, "leases");
    } else if (result == kSuccess && (verb == "add" || verb == "update" || verb == "del")) {
      add_lease(plan, arguments);
    }
  }
  return plan;
}

}  // namespace nnoe::hook
