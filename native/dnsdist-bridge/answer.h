// SPDX-License-Identifier: MPL-2.0
// Answers made of a query's own bytes: pure, without dnsdist, for packets of any content.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/tables/actions.h"

namespace nnoe::bridge {

// Header, question, then eight AAAA and eight A records, or a CNAME, and an OPT record with its longest text.
constexpr size_t kMaxQuestion = tables::kMaxName + 4;
constexpr size_t kMaxAnswer =
    12 + kMaxQuestion + tables::kMaxAddresses * (28 + 16) + 11 + 6 + tables::kMaxEdeText;
static_assert(kMaxAnswer <= 1232, "no answer is ever fragmented");

// What UDP may carry is said by the client, in its OPT record.
enum class Transport : uint8_t { kUdp, kTcp };

// Writes the answer to `query` that `action` asks for, and returns its size; 0 for a packet without exactly
// one question that can be read. `action` is none of allow, drop and pool. What does not fit a UDP answer is
// left out: first the extended error, then every record, with TC set. `out` and `query` do not overlap.
size_t answer(const uint8_t* query, size_t size, Transport transport, const tables::Action& action,
              uint8_t (&out)[kMaxAnswer]) noexcept;

// Whether a redirection would send the client from `name` (wire form) to that same name.
bool redirects_to(const tables::Action& action, const uint8_t* name, size_t size) noexcept;

}  // namespace nnoe::bridge
