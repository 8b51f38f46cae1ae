// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/program_asked.h"

namespace nnoe::tables {
namespace {

// GCC's and clang's vectors: SSE2 on x86-64, NEON on aarch64.
using Bytes = uint8_t __attribute__((vector_size(16)));

bool is_plain(uint32_t byte) noexcept {
  return byte - 'a' < 26 || byte - '/' < 11 || byte == '-' || byte == '_';
}

constexpr Bytes kIndex = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// How many of `size` bytes (at most 255) are not plain; reads whole vectors.
uint32_t count_special(const uint8_t* data, uint32_t size) noexcept {
  Bytes count{};
  for (uint32_t i = 0; i < size; i += sizeof(Bytes)) {
    Bytes x;
    std::memcpy(&x, data + i, sizeof x);
    const uint32_t left = size - i < sizeof x ? size - i : static_cast<uint32_t>(sizeof x);
    const auto plain =
        (x - 'a' < 26) | (x - '/' < 11) | (x == '-') | (x == '_') | (kIndex >= static_cast<uint8_t>(left));
    count += reinterpret_cast<Bytes>(plain) + 1;
  }
  uint64_t halves[2];
  std::memcpy(halves, &count, sizeof halves);
  // At most 16 in a byte, so the sum of each half fits into its highest byte.
  return static_cast<uint32_t>((halves[0] * 0x0101010101010101u) >> 56) +
         static_cast<uint32_t>((halves[1] * 0x0101010101010101u) >> 56);
}

}  // namespace

// The bytes that are not plain are exactly those lengths that are not: counting both says whether a name is
// plain without telling lengths from other bytes.
void Asked::walk() noexcept {
  const uint8_t* name = request_.name;
  const uint32_t size = request_.name_bytes;
  uint32_t labels = 0;
  uint32_t special = 0;
  uint32_t at = 0;
  for (; at < size && name[at] != 0 && labels < kMaxLabels; at += 1u + name[at]) {
    label_at_[labels++] = static_cast<uint8_t>(at);
    special += is_plain(name[at]) ? 0 : 1;
  }
  labels_ = labels;
  plain_ = at <= size && count_special(name, at) == special;
}

bool Asked::v4(uint32_t& address) const noexcept {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const uint8_t* bytes = request_.address;
  if (request_.address_bytes == 16) {
    if (std::memcmp(bytes, kMapped, sizeof kMapped) != 0) return false;
    bytes += sizeof kMapped;
  } else if (request_.address_bytes != 4) {
    return false;
  }
  address = static_cast<uint32_t>(bytes[0]) << 24 | static_cast<uint32_t>(bytes[1]) << 16 |
            static_cast<uint32_t>(bytes[2]) << 8 | bytes[3];
  return true;
}

}  // namespace nnoe::tables
