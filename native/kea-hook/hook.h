// SPDX-License-Identifier: MPL-2.0
// Everything that lives from load to unload. The callouts translate what Kea did into events and append them;
// they may come on any thread. Which callout sees which change, and why these, is in README.md.
#pragma once

#include <hooks/hooks.h>

#include <memory>
#include <mutex>
#include <vector>

#include "commands.h"
#include "counters.h"
#include "expiring.h"
#include "owners.h"
#include "params.h"
#include "parking.h"
#include "shm/producer.h"
#include "walker.h"

namespace nnoe::hook {

class Hook {
 public:
  // Main thread. Throws when the walker cannot be set up; never because of the journal.
  Hook(Params params, int family);
  ~Hook();

  // Each may throw what Kea's accessors throw; callouts.cc keeps that from leaving.
  void committed4(isc::hooks::CalloutHandle& handle);
  void committed6(isc::hooks::CalloutHandle& handle);
  void expired4(isc::hooks::CalloutHandle& handle);
  void expired6(isc::hooks::CalloutHandle& handle);
  void server_declined4(isc::hooks::CalloutHandle& handle);
  void command_processed(isc::hooks::CalloutHandle& handle);
  void status(isc::hooks::CalloutHandle& handle);  // control.cc
  void resync(isc::hooks::CalloutHandle& handle);  // control.cc

  Counters& counters() { return counters_; }
  int family() const { return family_; }

 private:
  void emit(LeaseFields& lease, uint64_t key);
  template <typename Lease>
  void ended(const Lease& lease, event::Operation operation, event::Origin origin);
  template <typename Lease, typename Query>
  void held(const Lease& lease, Query&& query);
  template <typename Lease>
  void expired(const Lease& lease);
  void look_again(const CommandTarget& target, event::Origin origin);
  void report(journal::Event event, const std::string& detail) noexcept;
  void request_walk(WalkRange range) noexcept;
  void watch_parking() {
    if (parking_.filled()) walker_->look_soon();
  }
  isc::data::ConstElementPtr status_arguments();

  const Params params_;
  const int family_;
  Counters counters_;
  Owners owners_;
  Expiring expiring_;
  Parking parking_;
  std::mutex walker_mutex_;  // guards the two below: the producer may ask before there is a walker
  std::vector<WalkRange> early_;
  std::unique_ptr<Walker> walker_;
  std::unique_ptr<journal::Producer> producer_;
};

}  // namespace nnoe::hook
