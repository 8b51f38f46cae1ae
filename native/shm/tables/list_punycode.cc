// SPDX-License-Identifier: MPL-2.0
// The decoder of RFC 3492, as far as it takes to say whether a label is one.
#include <algorithm>
#include <cstring>

#include "shm/tables/list_name.h"

namespace nnoe::tables::list {
namespace {

constexpr uint32_t kBase = 36;
constexpr uint32_t kTmin = 1;
constexpr uint32_t kTmax = 26;
constexpr uint32_t kSkew = 38;
constexpr uint32_t kDamp = 700;
constexpr uint32_t kLastCharacter = 0x10ffff;

uint32_t adapt(uint32_t delta, uint32_t count, bool first) noexcept {
  delta = first ? delta / kDamp : delta / 2;
  delta += delta / count;
  uint32_t k = 0;
  for (; delta > (kBase - kTmin) * kTmax / 2; k += kBase) delta /= kBase - kTmin;
  return k + (kBase - kTmin + 1) * delta / (delta + kSkew);
}

// kBase: no digit.
uint32_t digit_of(uint8_t c) noexcept {
  if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a');
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0') + 26;
  return kBase;
}

// One variable-length integer, added to `i`; false: it does not end, or grows beyond any character.
bool read_delta(const uint8_t*& at, const uint8_t* end, uint32_t bias, uint32_t most, uint32_t& i) noexcept {
  uint32_t weight = 1;
  for (uint32_t k = kBase;; k += kBase) {
    if (at == end) return false;
    const uint32_t digit = digit_of(*at++);
    if (digit == kBase || digit > (most - i) / weight) return false;
    i += digit * weight;
    const uint32_t threshold = k <= bias ? kTmin : std::min(k - bias, kTmax);
    if (digit < threshold) return true;
    if (weight > most / (kBase - threshold)) return false;
    weight *= kBase - threshold;
  }
}

}  // namespace

bool is_punycode(const uint8_t* label, size_t size) noexcept {
  const uint8_t* at = label + 4;
  const uint8_t* const end = label + size;
  const void* hyphen = ::memrchr(at, '-', static_cast<size_t>(end - at));
  uint32_t count = 0;  // characters decoded so far
  if (hyphen != nullptr) {
    const auto* basic = static_cast<const uint8_t*>(hyphen);
    count = static_cast<uint32_t>(basic - at);
    if (count == 0) return false;
    at = basic + 1;
  }
  if (at == end) return false;
  uint32_t n = 0x80;
  uint32_t i = 0;
  uint32_t bias = 72;
  while (at < end) {
    const uint32_t before = i;
    const uint32_t most = kLastCharacter * (count + 2);
    if (!read_delta(at, end, bias, most, i)) return false;
    ++count;
    bias = adapt(i - before, count, before == 0);
    n += i / count;
    if (n > kLastCharacter || (n >= 0xd800 && n < 0xe000)) return false;
    i = i % count + 1;
  }
  return true;
}

}  // namespace nnoe::tables::list
