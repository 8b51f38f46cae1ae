// SPDX-License-Identifier: MPL-2.0
// What builders of sections share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nnoe::tables {

using Bytes = std::vector<uint8_t>;

constexpr size_t aligned(size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

// Fills `words` with bits that nobody outside can know. Throws std::system_error when the kernel has none.
void draw_secret(uint64_t* words, size_t count);
using SecretSource = void (*)(uint64_t* words, size_t count);

}  // namespace nnoe::tables
