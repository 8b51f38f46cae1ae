// SPDX-License-Identifier: MPL-2.0
#include "shm/gap.h"

namespace nnoe::journal {
namespace {

void put_varint(EncodedGap& out, uint64_t value) noexcept {
  for (; value >= 0x80; value >>= 7) out.bytes[out.size++] = static_cast<uint8_t>(value | 0x80);
  out.bytes[out.size++] = static_cast<uint8_t>(value);
}

void put_field(EncodedGap& out, uint32_t field, uint64_t value) noexcept {
  if (value == 0) return;
  put_varint(out, field << 3);
  put_varint(out, value);
}

}  // namespace

EncodedGap encode(const Gap& gap) noexcept {
  EncodedGap out;
  put_field(out, event::gap::kFirst, gap.first);
  put_field(out, event::gap::kLast, gap.last);
  put_field(out, event::gap::kCount, gap.count);
  put_field(out, event::gap::kReason, static_cast<uint64_t>(gap.reason));
  return out;
}

}  // namespace nnoe::journal
