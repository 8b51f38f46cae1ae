// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <cstdint>

namespace nnoe::tables {

// How many of each a generation knows: ids in its other sections are below.
struct Limits {
  uint32_t role_sets = 0;
  uint32_t lists = 0;
  uint32_t actions = 0;
};

}  // namespace nnoe::tables
