// SPDX-License-Identifier: MPL-2.0
// Moves what cannot be used out of the way, for a person to look at; nothing is destroyed at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shm/files.h"

namespace nnoe::journal {

// Moves these segments, and with `meta` that file too, into a new directory damaged-<time>, whose name goes
// to `where`. Keeps the newest kDamagedKept such directories.
bool set_aside(int dir, const std::vector<uint64_t>& segments, bool meta, std::string& where, Error& error);

}  // namespace nnoe::journal
