// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// The first byte chooses what the others are: 0 a registry, 1 hosts, 2 prefixes, 3 a file of decisions.
constexpr uint8_t kFuzzKinds = 4;

// libFuzzer's entry point; fuzz_clients_cases.cc calls it with cases of its own.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
