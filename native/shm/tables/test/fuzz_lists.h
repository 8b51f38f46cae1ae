// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// One case: the first byte chooses format and sizes of pieces, the rest is the file. Aborts when something
// does not hold. libFuzzer's entry point and the cases of fixed seeds call it.
int fuzz_lists(const uint8_t* data, size_t size);
