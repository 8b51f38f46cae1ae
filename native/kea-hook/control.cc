// SPDX-License-Identifier: MPL-2.0
// Commands: what other people's did to leases, and our own two, nnoe-status and nnoe-resync.
#include <cc/command_interpreter.h>

#include <limits>
#include <optional>
#include <stdexcept>

#include "hook.h"
#include "lease_fields.h"
#include "log.h"

namespace nnoe::hook {

using event::Operation;
using event::Origin;
using isc::data::ConstElementPtr;
using isc::data::Element;
using isc::data::ElementPtr;
using isc::hooks::CalloutHandle;

namespace {

// A lease that a command wrote in a state that stands for its end.
Operation operation_of(uint32_t state) {
  if (state == kStateExpiredReclaimed) return Operation::kExpire;
  if (state == kStateReleased) return Operation::kRelease;
  if (state == kStateDeclined) return Operation::kDecline;
  return Operation::kUpdate;
}

// What a lease was at a look; the fields themselves point into a lease that the next look lets go.
struct Seen {
  explicit Seen(const LeaseFields& lease)
      : operation(lease.operation),
        cltt(lease.cltt),
        valid_lft(lease.valid_lft),
        state(lease.state),
        subnet_id(lease.subnet_id),
        owner(Owners::owner(lease)) {}

  bool operator==(const Seen& other) const {
    return operation == other.operation && cltt == other.cltt && valid_lft == other.valid_lft &&
           state == other.state && subnet_id == other.subnet_id && owner == other.owner;
  }

  Operation operation;
  decltype(LeaseFields::cltt) cltt;
  decltype(LeaseFields::valid_lft) valid_lft;
  decltype(LeaseFields::state) state;
  decltype(LeaseFields::subnet_id) subnet_id;
  uint32_t owner;
};

constexpr int kLooks = 3;

}  // namespace

// The database is the truth, not the command's arguments: the lease may have changed again since. An event of
// another thread can still come between our look and our append, so we look once more after it, until what we
// appended last is what is there.
void Hook::look_again(const CommandTarget& target, Origin origin) {
  LeaseSource source(family_);
  std::optional<Seen> before;
  for (int look = 0; look < kLooks; ++look) {
    LeaseFields lease;
    if (!source.parse(target.address, lease)) return;
    const uint64_t key = address_key(lease.address, lease.address_size);
    if (source.find(target.address, target.type, lease)) {
      lease.operation = operation_of(lease.state);
    } else {
      lease.operation = Operation::kDelete;
      lease.type = target.type;
      lease.subnet_id = target.subnet_id;
    }
    const Seen seen(lease);
    if (before && seen == *before) return;
    owners_.forget(key);
    if (lease.operation == Operation::kUpdate) owners_.learn(key, seen.owner);
    lease.origin = origin;
    emit(lease, key);
    before = seen;
  }
}

void Hook::command_processed(CalloutHandle& handle) {
  std::string name;
  ConstElementPtr arguments;
  ConstElementPtr response;
  handle.getArgument("name", name);
  handle.getArgument("arguments", arguments);
  handle.getArgument("response", response);
  const CommandPlan plan = plan_command(family_, name, arguments, response);
  const bool may_read = !plan.targets.empty() && LeaseSource::may_read();
  for (const CommandTarget& target : plan.targets) {
    if (may_read) {
      look_again(target, plan.origin);
    } else {
      request_walk({event::WalkCause::kWipe, target.subnet_id});
    }
  }
  for (const uint32_t subnet : plan.walks) request_walk({event::WalkCause::kWipe, subnet});
}

namespace {

ElementPtr number(uint64_t value) {
  return Element::create(
      static_cast<int64_t>(std::min<uint64_t>(value, std::numeric_limits<int64_t>::max())));
}

ConstElementPtr arguments_of(CalloutHandle& handle) {
  ConstElementPtr command;
  handle.getArgument("command", command);
  ConstElementPtr arguments;
  isc::config::parseCommand(arguments, command);
  if (arguments && arguments->getType() != Element::map) {
    throw std::invalid_argument("arguments: found " + arguments->str() + ", expected a map");
  }
  return arguments;
}

void refuse_arguments(const ConstElementPtr& arguments, const char* known) {
  if (!arguments) return;
  for (const auto& member : arguments->mapValue()) {
    if (member.first != known) {
      throw std::invalid_argument("unknown argument '" + member.first + "'" +
                                  (*known ? std::string(", expected '") + known + "'" : std::string()));
    }
  }
}

// 0: every subnet
uint32_t subnet_argument(const ConstElementPtr& arguments) {
  const ConstElementPtr id = arguments ? arguments->get("subnet-id") : ConstElementPtr();
  if (!id) return 0;
  if (id->getType() != Element::integer || id->intValue() < 1 ||
      id->intValue() >= std::numeric_limits<uint32_t>::max()) {
    throw std::invalid_argument("argument 'subnet-id': found " + id->str() +
                                ", expected an integer from 1 to 4294967294");
  }
  return static_cast<uint32_t>(id->intValue());
}

// Runs a command and answers it: a wrong argument is an error answer that says what is wrong.
template <typename F>
void answer(CalloutHandle& handle, F&& run) {
  ConstElementPtr response;
  try {
    response = run();
  } catch (const std::invalid_argument& error) {
    response = isc::config::createAnswer(isc::config::CONTROL_RESULT_ERROR, error.what());
  }
  handle.setArgument("response", response);
}

ElementPtr journal_status(const journal::Status& status) {
  ElementPtr map = Element::createMap();
  map->set("writable", Element::create(status.writable));
  if (!status.reason.empty()) map->set("reason", Element::create(status.reason));
  map->set("id", Element::create(status.id));
  map->set("head", number(status.head));
  map->set("oldest", number(status.oldest));
  map->set("segments", number(status.segments));
  map->set("bytes", number(status.bytes));
  map->set("dropped", number(status.dropped));
  ElementPtr cursors = Element::createMap();
  for (const auto& cursor : status.cursors) cursors->set(cursor.name, number(cursor.seq));
  map->set("cursors", cursors);
  return map;
}

ElementPtr walk_status(const Walker::View& view) {
  ElementPtr map = Element::createMap();
  map->set("active", Element::create(view.active));
  map->set("paused", Element::create(view.paused));
  map->set("waiting", number(view.waiting));
  map->set("completed", number(view.completed));
  if (view.active) {
    map->set("cause", Element::create(cause_name(view.range.cause)));
    map->set("subnet-id", number(view.range.subnet_id));
    map->set("id", number(view.id));
    map->set("leases", number(view.leases));
  }
  return map;
}

ElementPtr parking_status(Parking& parking) {
  ElementPtr map = Element::createMap();
  const size_t limit = parking.limit();
  map->set("limit", number(limit == Parking::kUnlimited ? 0 : limit));
  map->set("parked", number(parking.parked()));
  map->set("full", number(parking.times()));
  map->set("walk-owed", Element::create(parking.owed()));
  return map;
}

}  // namespace

ConstElementPtr Hook::status_arguments() {
  ElementPtr map = Element::createMap();
  map->set("journal-directory", Element::create(params_.journal_directory));
  map->set("journal", journal_status(producer_->status()));
  map->set("backlog-bytes", number(producer_->backlog_bytes()));
  map->set("walk", walk_status(walker_->view()));
  map->set("parking-lot", parking_status(parking_));
  ElementPtr events = Element::createMap();
  for (size_t i = 1; i < kOperations; ++i) {
    events->set(kOperationNames[i], number(counters_.events[i].load(std::memory_order_relaxed)));
  }
  map->set("events", events);
  ElementPtr errors = Element::createMap();
  for (size_t i = 0; i < kCallouts; ++i) {
    errors->set(kCalloutNames[i], number(counters_.errors[i].load(std::memory_order_relaxed)));
  }
  map->set("errors", errors);
  return map;
}

void Hook::status(CalloutHandle& handle) {
  answer(handle, [&] {
    refuse_arguments(arguments_of(handle), "");
    const ConstElementPtr arguments = status_arguments();
    const bool writable = arguments->get("journal")->get("writable")->boolValue();
    return isc::config::createAnswer(isc::config::CONTROL_RESULT_SUCCESS,
                                     writable ? "journal is written" : "journal cannot be written",
                                     arguments);
  });
}

void Hook::resync(CalloutHandle& handle) {
  answer(handle, [&] {
    const ConstElementPtr arguments = arguments_of(handle);
    refuse_arguments(arguments, "subnet-id");
    const uint32_t subnet = subnet_argument(arguments);
    log_resync(subnet);
    request_walk({event::WalkCause::kCommand, subnet});
    return isc::config::createAnswer(isc::config::CONTROL_RESULT_SUCCESS,
                                     "walk over " + range_name(subnet) + " requested");
  });
}

}  // namespace nnoe::hook
