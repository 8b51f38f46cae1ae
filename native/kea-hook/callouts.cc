// SPDX-License-Identifier: MPL-2.0
// The entry points that Kea looks up by name. Nothing is thrown across them, whatever happens inside.
#include <config.h>  // Kea's, before any header of Kea's that names TLS

#include <dhcpsrv/cfgmgr.h>
#include <hooks/hooks.h>
#include <process/daemon.h>
#include <sys/socket.h>

#include <memory>

#include "hook.h"
#include "log.h"

using isc::hooks::CalloutHandle;
using isc::hooks::LibraryHandle;
using nnoe::hook::Callout;
using nnoe::hook::Hook;

namespace {

// Set by load and unload, between which Kea makes every other call.
std::unique_ptr<Hook> hook;

// Always 0: Kea logs another value for every packet, and ours are counted and logged with a rate limit.
int guarded(CalloutHandle& handle, Callout kind, void (Hook::*method)(CalloutHandle&)) noexcept {
  if (!hook) return 0;
  try {
    (hook.get()->*method)(handle);
  } catch (...) {
    nnoe::hook::caught(hook->counters(), kind);
  }
  return 0;
}

// 4 or 6; throws when this is neither kea-dhcp4 nor kea-dhcp6.
int family_of_server() {
  const std::string name = isc::process::Daemon::getProcName();
  if (name == "kea-dhcp4" && isc::dhcp::CfgMgr::instance().getFamily() == AF_INET) return 4;
  if (name == "kea-dhcp6" && isc::dhcp::CfgMgr::instance().getFamily() == AF_INET6) return 6;
  throw std::runtime_error("this library serves kea-dhcp4 and kea-dhcp6, not " + name);
}

int nnoe_status(CalloutHandle& handle) { return guarded(handle, Callout::kControl, &Hook::status); }
int nnoe_resync(CalloutHandle& handle) { return guarded(handle, Callout::kControl, &Hook::resync); }

}  // namespace

#define NNOE_EXPORT __attribute__((visibility("default")))

extern "C" {

NNOE_EXPORT int version() { return KEA_HOOKS_VERSION; }

NNOE_EXPORT int multi_threading_compatible() { return 1; }

NNOE_EXPORT int load(LibraryHandle& handle) {
  try {
    const int family = family_of_server();
    nnoe::hook::Params params = nnoe::hook::parse_params(handle.getParameters(), family);
    const std::string directory = params.journal_directory;
    hook = std::make_unique<Hook>(std::move(params), family);
    handle.registerCommandCallout("nnoe-status", nnoe_status);
    handle.registerCommandCallout("nnoe-resync", nnoe_resync);
    nnoe::hook::log_loaded(family, directory);
    return 0;
  } catch (const std::exception& error) {
    nnoe::hook::log_load_failed(error.what());
  } catch (...) {
    nnoe::hook::log_load_failed("an exception that is not a std::exception");
  }
  hook.reset();
  return 1;
}

NNOE_EXPORT int unload() {
  hook.reset();
  nnoe::hook::log_unloaded();
  return 0;
}

NNOE_EXPORT int leases4_committed(CalloutHandle& handle) {
  return guarded(handle, Callout::kCommitted, &Hook::committed4);
}

NNOE_EXPORT int leases6_committed(CalloutHandle& handle) {
  return guarded(handle, Callout::kCommitted, &Hook::committed6);
}

NNOE_EXPORT int lease4_expire(CalloutHandle& handle) {
  return guarded(handle, Callout::kExpire, &Hook::expired4);
}

NNOE_EXPORT int lease6_expire(CalloutHandle& handle) {
  return guarded(handle, Callout::kExpire, &Hook::expired6);
}

// Kea 2.6 and later; earlier ones never look it up.
NNOE_EXPORT int lease4_server_decline(CalloutHandle& handle) {
  return guarded(handle, Callout::kDecline, &Hook::server_declined4);
}

NNOE_EXPORT int command_processed(CalloutHandle& handle) {
  return guarded(handle, Callout::kCommand, &Hook::command_processed);
}

}  // extern "C"
