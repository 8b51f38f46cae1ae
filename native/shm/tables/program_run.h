// SPDX-License-Identifier: MPL-2.0
// The loop that runs programs; program.h includes it. What most policies are made of is done in place, so
// that a query need not put together a request; everything else by calls.
#pragma once

#include <cstring>

#include "shm/tables/program.h"

namespace nnoe::tables {

namespace program {

// The name's text ends with '.' and the constant's name, which is plain.
bool name_under(const uint8_t* name, uint32_t name_bytes, const uint8_t* wanted,
                uint32_t wanted_bytes) noexcept;
bool lists_any(const uint64_t* lists, const uint8_t* mask) noexcept;

// In the machine's order; `end` is behind 8 readable bytes.
inline uint64_t last8(const uint8_t* end) noexcept {
  uint64_t word = 0;
  std::memcpy(&word, end - sizeof word, sizeof word);
  return word;
}

// Whether the name's last 8 bytes are those of a domain, without which it is not below it.
inline bool may_be_under(const Step& at, const uint8_t* name, uint32_t name_bytes) noexcept {
  if (at.value < sizeof(uint64_t)) __builtin_unreachable();  // shorter ones are no kUnder
  return name_bytes > at.value && last8(name + name_bytes) == at.constant.tail;
}

}  // namespace program

// To a step that returns; with kStop also to one that needs a text.
template <bool kStop, class Make>
[[gnu::always_inline]] inline const Step* Programs::advance(const Step* at, const uint8_t* name,
                                                            uint32_t name_bytes, uint32_t type,
                                                            const uint64_t* lists,
                                                            Make&& request) const noexcept {
  for (;;) {
    switch (at->run) {
      case Step::Run::kReturn:
        return at;
      case Step::Run::kText:
        return kStop ? at : finish_texts(at, request());
      case Step::Run::kTypeIs:
        at = at->next(type == at->operand);
        break;
      case Step::Run::kTypeIn:
        if (__builtin_expect(type < 128, 1))
          at = at->next((at->types[type / 64] >> type % 64 & 1) != 0);
        else
          at = at->next(holds(*at, request()));
        break;
      case Step::Run::kUnder:
        at = at->next(program::may_be_under(*at, name, name_bytes) &&
                      program::name_under(name, name_bytes, at->constant.data, at->value));
        break;
      case Step::Run::kListIs:
        at = at->next(lists != nullptr && (lists[at->operand / 64] >> at->operand % 64 & 1) != 0);
        break;
      case Step::Run::kListsAny:
        at = at->next(lists != nullptr && program::lists_any(lists, at->constant.data));
        break;
      case Step::Run::kOther:
        at = at->next(holds(*at, request()));
        break;
      default:
        __builtin_unreachable();
    }
  }
}

template <class Make>
[[gnu::always_inline]] inline const Step* Programs::finish(const Step* at, const uint8_t* name,
                                                           uint32_t name_bytes, uint32_t type,
                                                           const uint64_t* lists,
                                                           Make&& request) const noexcept {
  return advance<false>(at, name, name_bytes, type, lists, request);
}

// Domains are most of what is left to be tested of most programs. No call is in between, so that the query
// keeps what it has at hand.
[[gnu::always_inline]] inline const Step* Programs::pass_domains(const Step* at, const uint8_t* name,
                                                                 uint32_t name_bytes) noexcept {
  const uint64_t tail = program::last8(name + name_bytes);
  while (at->run == Step::Run::kUnder && (tail != at->constant.tail || name_bytes <= at->value))
    at = at->next(false);
  return at;
}

inline Programs::Outcome Programs::run(uint16_t role_set, const Request& r) const noexcept {
  if (role_set >= header_.role_sets) return {};
  const Step* at = first(role_set);
  if (at == nullptr) return without_program(role_set);
  const auto request = [&r]() -> const Request& { return r; };
  at = finish(at, r.name, r.name_bytes, r.type, r.lists, request);
  return {Result::kAction, static_cast<uint16_t>(at->value), at->operand};
}

}  // namespace nnoe::tables
