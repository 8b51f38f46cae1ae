// SPDX-License-Identifier: MPL-2.0
// The "parameters" map of the hooks-libraries entry.
#pragma once

#include <cc/data.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace nnoe::hook {

struct Params {
  std::string journal_directory;
  uint64_t segment_size = uint64_t{8} << 20;  // bytes
  uint64_t journal_cap = uint64_t{1} << 30;   // bytes
  bool snapshot_on_start = true;
};

// Names the parameter, what was found and what was expected.
struct BadParameter : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `family` is 4 or 6 and decides the default directory; `given` may be null. Throws BadParameter.
Params parse_params(const isc::data::ConstElementPtr& given, int family);

}  // namespace nnoe::hook
