// SPDX-License-Identifier: MPL-2.0
// What program.h, which includes it, does for most queries: tests that look at no text. The first one that
// does leads to program.cc, which goes on from there.
#pragma once

#include <cstring>

#include "shm/tables/program.h"

namespace nnoe::tables {

namespace program {
// Whether a byte of the name is a dot. Also said of what lies up to 15 bytes behind it.
inline bool has_dot(const uint8_t* name, size_t size) noexcept {
  using Bytes = uint8_t __attribute__((vector_size(16)));
  Bytes dots{};
  for (size_t i = 0; i < size; i += sizeof(Bytes)) {
    Bytes bytes;
    std::memcpy(&bytes, name + i, sizeof bytes);
    dots |= reinterpret_cast<Bytes>(bytes == '.');
  }
  uint64_t halves[2];
  std::memcpy(halves, &dots, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}
}  // namespace program

inline bool Programs::type_in(const program::Instruction& it, uint16_t type) const noexcept {
  const program::Constant& c = constant(it);
  const auto* ranges = reinterpret_cast<const uint16_t*>(data(c));
  for (const auto* end = ranges + 2 * size_t{c.extra}; ranges != end; ranges += 2)
    if (type <= ranges[1]) return type >= ranges[0];
  return false;
}

// Whether the last byte before the root is that of the wanted one: nearly always enough to know that it is
// not, as a text and as a name.
inline bool Programs::may_be_under(const program::Instruction& it, const Request& request) const noexcept {
  const program::Constant& c = constant(it);
  return request.name_bytes > c.bytes && c.bytes > 1 &&
         request.name[request.name_bytes - 2] == data(c)[c.bytes - 2];
}

// The name ends like the wanted one, from one of its labels on but the first. Only a dot inside a label,
// which the text has as "\\.", can make texts end alike where names do not.
inline bool Programs::name_under(const program::Instruction& it, const Request& request) const noexcept {
  const program::Constant& c = constant(it);
  if (request.name_bytes <= c.bytes) return false;
  const uint8_t* end = request.name + request.name_bytes - c.bytes;
  const uint8_t* wanted = data(c);
  uint16_t first[2];
  std::memcpy(&first[0], end, sizeof first[0]);
  std::memcpy(&first[1], wanted, sizeof first[1]);
  if (__builtin_expect(first[0] != first[1], 1) || std::memcmp(end, wanted, c.bytes) != 0) return false;
  const uint8_t* label = request.name;
  while (label < end) label += *label + 1u;
  return label == end;
}

inline bool Programs::lists_any(const program::Instruction& it, const Request& request) const noexcept {
  if (request.lists == nullptr) return false;
  uint64_t mask[kMaxLists / 64];
  std::memcpy(mask, data(constant(it)), sizeof mask);
  uint64_t common = 0;
  for (size_t word = 0; word < kMaxLists / 64; ++word) common |= mask[word] & request.lists[word];
  return common != 0;
}

[[gnu::always_inline]] inline Programs::Outcome Programs::run(uint16_t role_set,
                                                              const Request& request) const noexcept {
  using program::Op;
  Outcome outcome;
  if (role_set >= header_.role_sets) return outcome;
  const uint32_t entry = roles_[role_set];
  if (__builtin_expect(static_cast<int32_t>(entry) <= 0, 0)) {
    if (entry == program::kUnplanned) return outcome;
    outcome.result = (entry & program::kFallbackClient) != 0 ? Result::kFallbackClient : Result::kFallback;
    outcome.action = static_cast<uint16_t>(entry & program::kFallbackAction);
    return outcome;
  }
  const program::Instruction* at = code_ + programs_[entry - 1].first;
  for (bool near = true; near;) {
    bool holds = false;
    switch (static_cast<Op>(at->op)) {
      case Op::kTypeIs:
        holds = request.type == at->operand;
        break;
      case Op::kTypeIn:
        holds = type_in(*at, request.type);
        break;
      case Op::kListsAny:
        holds = lists_any(*at, request);
        break;
      case Op::kNameUnder:
        if (__builtin_expect(!may_be_under(*at, request), 1)) break;
        holds = name_under(*at, request);
        if (__builtin_expect(holds || !program::has_dot(request.name, request.name_bytes), 1)) break;
        [[fallthrough]];
      default:
        near = false;
        continue;
    }
    at += holds ? at->on_true : at->on_false;
  }
  outcome.terminal =
      __builtin_expect(at->op == static_cast<uint8_t>(Op::kReturn), 1) ? at->operand : run_far(at, request);
  outcome.action = terminals_[outcome.terminal].action;
  outcome.result = Result::kAction;
  return outcome;
}

}  // namespace nnoe::tables
