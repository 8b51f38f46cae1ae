// SPDX-License-Identifier: MPL-2.0
// The least that a library must register to see leases at all: what it costs is Kea's own dispatch.
#include <hooks/hooks.h>

#define EXPORTED __attribute__((visibility("default")))

extern "C" {

EXPORTED int version() { return KEA_HOOKS_VERSION; }
EXPORTED int load(isc::hooks::LibraryHandle&) { return 0; }
EXPORTED int unload() { return 0; }
EXPORTED int multi_threading_compatible() { return 1; }
EXPORTED int leases4_committed(isc::hooks::CalloutHandle&) { return 0; }

}  // extern "C"
