// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// The first byte chooses what the others are: 0 a registry, 1 hosts, 2 prefixes, 3 a file of decisions,
// 4 the head of a ring (8 bytes) and the begin of its content, in a file of decisions that is valid.
constexpr uint8_t kFuzzKinds = 5;

// libFuzzer's entry point; fuzz_clients_cases.cc calls it with cases of its own.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
