// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// libFuzzer's entry point; fuzz_journal_cases.cc calls it with cases of its own.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
