// SPDX-License-Identifier: MPL-2.0
// Encodes the Gap message of proto/nnoe.proto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shm/gen/event_fields.h"

namespace nnoe::journal {

struct Gap {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t count = 0;
  event::GapReason reason = event::GapReason::kReasonUnspecified;
};

struct EncodedGap {
  std::array<uint8_t, 48> bytes{};  // 4 fields of at most 11 bytes
  size_t size = 0;
};
EncodedGap encode(const Gap& gap) noexcept;

}  // namespace nnoe::journal
