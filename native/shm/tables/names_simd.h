// SPDX-License-Identifier: MPL-2.0
// The three inner loops of names: folding case, comparing, looking through a bucket. Each twice: with SSE2,
// which every x86-64 has, and portable; a test holds the two equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nnoe::tables::kernels {

inline uint64_t load64(const uint8_t* from) noexcept {
  uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

namespace portable {

// Copies `size` bytes and folds A to Z. Length bytes of labels are below 64, so no harm comes to them.
inline void fold(uint8_t* to, const uint8_t* from, size_t size) noexcept {
  for (size_t i = 0; i < size; ++i) {
    const uint8_t byte = from[i];
    to[i] = static_cast<uint8_t>(byte | (static_cast<uint8_t>(byte - 'A') < 26 ? 0x20 : 0));
  }
}

// Whether the first `size` bytes are the same. Both may be read as far as they are equal, then up to 15 bytes
// on.
inline bool equal(const uint8_t* a, const uint8_t* b, size_t size) noexcept {
  return std::memcmp(a, b, size) == 0;
}

// Bit i: tags[i] is `tag`.
inline uint32_t match(const uint16_t* tags, uint16_t tag) noexcept {
  uint32_t found = 0;
  for (uint32_t i = 0; i < 8; ++i) found |= static_cast<uint32_t>(tags[i] == tag) << i;
  return found;
}

inline bool any(const uint16_t* tags, uint16_t tag) noexcept { return match(tags, tag) != 0; }

}  // namespace portable

#if defined(__SSE2__)

inline __m128i fold16(__m128i bytes) noexcept {
  // 'A' to 'Z' become the 26 lowest signed values.
  const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(0x80 - 'A')));
  const __m128i upper = _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(-128 + 26)));
  return _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

inline __m128i load16(const uint8_t* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
inline void store16(uint8_t* to, __m128i bytes) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}

// Of 16 to 32 bytes.
inline void fold_usual(uint8_t* to, const uint8_t* from, size_t size) noexcept {
  const __m128i tail = fold16(load16(from + size - 16));
  store16(to, fold16(load16(from)));
  store16(to + size - 16, tail);
}

// Reads nothing outside of `from`, which may end where a page does: the last piece overlaps the one before.
inline void fold(uint8_t* to, const uint8_t* from, size_t size) noexcept {
  if (size >= 16) {
    const size_t last = size - 16;
    const __m128i tail = load16(from + last);
    store16(to, fold16(load16(from)));
    for (size_t at = 16; at < last; at += 16) store16(to + at, fold16(load16(from + at)));
    store16(to + last, fold16(tail));
  } else if (size >= 8) {
    const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    const __m128i high = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + size - 8));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), fold16(low));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + size - 8), fold16(high));
  } else {
    portable::fold(to, from, size);
  }
}

inline bool equal(const uint8_t* a, const uint8_t* b, size_t size) noexcept {
  for (;; a += 16, b += 16, size -= 16) {
    const auto same = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(load16(a), load16(b))));
    // The first byte that differs, 16 for none.
    const auto differs = static_cast<uint32_t>(__builtin_ctz(~same));
    if (differs < 16 || size <= 16) return differs >= size;
  }
}

inline __m128i same_tags(const uint16_t* tags, uint16_t tag) noexcept {
  return _mm_cmpeq_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(tags)),
                         _mm_set1_epi16(static_cast<int16_t>(tag)));
}
inline uint32_t match(const uint16_t* tags, uint16_t tag) noexcept {
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(same_tags(tags, tag), _mm_setzero_si128())));
}
inline bool any(const uint16_t* tags, uint16_t tag) noexcept {
  return _mm_movemask_epi8(same_tags(tags, tag)) != 0;
}

#else

using portable::any;
using portable::equal;
using portable::fold;
inline void fold_usual(uint8_t* to, const uint8_t* from, size_t size) noexcept { fold(to, from, size); }
using portable::match;

#endif

}  // namespace nnoe::tables::kernels
