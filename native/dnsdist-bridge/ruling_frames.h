// SPDX-License-Identifier: MPL-2.0
// Frames of ruling_wire.h as bytes: what is asked, and what came from the host, which is trusted as little as
// anything that comes over a socket. Pure.
#pragma once

#include <vector>

#include "dnsdist-bridge/rulings.h"
#include "shm/tables/ruling_wire.h"

namespace nnoe::bridge {

struct Ruling {
  uint64_t number = 0;
  uint64_t from_ms = 0;
  uint64_t until_ms = 0;  // 0: there is none (now)
  uint32_t again_ms = 0;  // then: not to be asked again before
  uint16_t action = 0;
};

// Appends the frame of a question.
void put_question(std::vector<uint8_t>& out, const RulingQuestion& question, uint64_t number,
                  uint32_t dropped);

enum class Frame { kWhole, kPart, kBad };

// The first frame of `size` bytes; kWhole has taken tables::kRulingBytes of them.
Frame take_ruling(const uint8_t* data, size_t size, Ruling& ruling) noexcept;

}  // namespace nnoe::bridge
