// SPDX-License-Identifier: MPL-2.0
// CRC32C (Castagnoli, reflected polynomial 0x82F63B78): the checksum of records, headers and cursors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nnoe {

// Continues from `crc` (0 to begin). crc32c(crc32c(0, a), b) equals the checksum of a followed by b.
uint32_t crc32c(uint32_t crc, const void* data, size_t size) noexcept;

// crc32c(crc, the 8 bytes of `a`, then the 4 bytes of `b`).
uint32_t crc32c_tail(uint32_t crc, uint64_t a, uint32_t b) noexcept;

// A record in one pass: copies `size` bytes to `head + 2` and sums them, then `a`, then `b`; stores `a` to
// head[1] and last, with release, `b | checksum << 32` to head[0]. The two places do not overlap. A pointer,
// set before main: the call goes straight to what this processor can do.
using Crc32cSeal = void (*)(uint64_t* head, const uint8_t* from, size_t size, uint64_t a,
                            uint32_t b) noexcept;
extern const Crc32cSeal crc32c_seal;

namespace detail {
uint32_t crc32c_table(uint32_t crc, const void* data, size_t size) noexcept;
}

}  // namespace nnoe
