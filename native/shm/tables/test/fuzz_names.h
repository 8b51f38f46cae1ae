// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// libFuzzer's entry point; fuzz_names_cases.cc calls it with cases of its own. Byte 0 chooses what the rest
// is: a names section, a subscriptions section, a set file, names to look up and edits of a section that was
// valid.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
