// SPDX-License-Identifier: MPL-2.0
#include "shm/crc32c.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <array>
#include <cstring>

namespace nnoe {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78u;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? kPolynomial : 0);
    table[i] = c;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

}  // namespace

namespace detail {
uint32_t crc32c_table(uint32_t crc, const void* data, size_t size) noexcept {
  const auto* p = static_cast<const uint8_t*>(data);
  crc = ~crc;
  for (; size > 0; --size, ++p) crc = (crc >> 8) ^ kTable[(crc ^ *p) & 0xffu];
  return ~crc;
}
}  // namespace detail

namespace {
uint32_t tail_portable(uint32_t crc, uint64_t a, uint32_t b) noexcept {
  return detail::crc32c_table(detail::crc32c_table(crc, &a, sizeof a), &b, sizeof b);
}

inline void finish(uint64_t* head, uint64_t a, uint32_t b, uint32_t crc) noexcept {
  head[1] = a;
  // SYNC write:commit - release, so that a kill or a reader at any time finds either 0 or a whole record;
  // partner: the acquire fence in Scan::at, and recovery.
  __atomic_store_n(head, b | static_cast<uint64_t>(crc) << 32, __ATOMIC_RELEASE);
}

void seal_portable(uint64_t* head, const uint8_t* from, size_t size, uint64_t a, uint32_t b) noexcept {
  std::memcpy(head + 2, from, size);
  finish(head, a, b, tail_portable(detail::crc32c_table(0, from, size), a, b));
}
}  // namespace

#if defined(__x86_64__)
namespace {

__attribute__((target("sse4.2"))) inline uint64_t step(uint64_t c, const uint8_t* p) noexcept {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return __builtin_ia32_crc32di(c, word);
}

__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(uint32_t crc, const void* data,
                                                        size_t size) noexcept {
  const auto* p = static_cast<const uint8_t*>(data);
  uint64_t c = static_cast<uint32_t>(~crc);
  // Four words a turn: the loop's own instructions would outnumber the checksum's.
  for (; size >= 32; size -= 32, p += 32) c = step(step(step(step(c, p), p + 8), p + 16), p + 24);
  for (; size >= 8; size -= 8, p += 8) c = step(c, p);
  auto c32 = static_cast<uint32_t>(c);
  if ((size & 4) != 0) {
    uint32_t word;
    std::memcpy(&word, p, 4);
    c32 = __builtin_ia32_crc32si(c32, word);
    p += 4;
  }
  for (size &= 3; size > 0; --size, ++p) c32 = __builtin_ia32_crc32qi(c32, *p);
  return ~c32;
}

__attribute__((target("sse4.2"))) inline void move16(uint8_t* to, const uint8_t* from) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

__attribute__((target("sse4.2"))) uint32_t tail_sse42(uint32_t crc, uint64_t a, uint32_t b) noexcept {
  const auto c = static_cast<uint32_t>(__builtin_ia32_crc32di(static_cast<uint32_t>(~crc), a));
  return ~__builtin_ia32_crc32si(c, b);
}

__attribute__((target("sse4.2"))) void seal_sse42(uint64_t* head, const uint8_t* from, size_t size,
                                                  uint64_t a, uint32_t b) noexcept {
  std::memcpy(head + 2, from, size);
  finish(head, a, b, tail_sse42(crc32c_sse42(0, from, size), a, b));
}

// Words are summed where they are read and moved 32 bytes at a time.
// In assembly, since a function with a 32-byte variable gets an aligned stack frame, used or not.
struct Bytes32 {
  uint8_t bytes[32];
};
__attribute__((target("avx,sse4.2"))) inline void move32(uint8_t* to, const uint8_t* from) noexcept {
  asm("vmovdqu %1, %%ymm0\n\tvmovdqu %%ymm0, %0"
      : "=m"(*reinterpret_cast<Bytes32*>(to))
      : "m"(*reinterpret_cast<const Bytes32*>(from))
      : "xmm0");
}

__attribute__((target("avx,sse4.2"))) inline uint64_t step32(uint64_t c, uint8_t* to,
                                                             const uint8_t* from) noexcept {
  move32(to, from);
  return step(step(step(step(c, from), from + 8), from + 16), from + 24);
}

__attribute__((target("avx,sse4.2"))) inline uint64_t step64(uint64_t c, uint8_t* to,
                                                             const uint8_t* from) noexcept {
  return step32(step32(c, to, from), to + 32, from + 32);
}

__attribute__((target("avx,sse4.2"))) void seal_avx(uint64_t* __restrict head, const uint8_t* __restrict from,
                                                    size_t size, uint64_t a, uint32_t b) noexcept {
  auto* to = reinterpret_cast<uint8_t*>(head + 2);
  uint64_t c = 0xffffffffu;
  for (const uint8_t* const end = from + (size & ~size_t{127}); from != end; to += 128, from += 128) {
    c = step64(step64(c, to, from), to + 64, from + 64);
  }
  if ((size & 64) != 0) {
    c = step64(c, to, from);
    to += 64, from += 64;
  }
  if ((size & 32) != 0) {
    c = step32(c, to, from);
    to += 32, from += 32;
  }
  if ((size & 16) != 0) {
    c = step(step(c, from), from + 8);
    move16(to, from);
    to += 16, from += 16;
  }
  if ((size & 8) != 0) {
    c = step(c, from);
    std::memcpy(to, from, 8);
    to += 8, from += 8;
  }
  auto c32 = static_cast<uint32_t>(c);
  for (size &= 7; size > 0; --size, ++to, ++from) {
    c32 = __builtin_ia32_crc32qi(c32, *from);
    *to = *from;
  }
  asm volatile("vzeroupper");
  finish(head, a, b, ~__builtin_ia32_crc32si(static_cast<uint32_t>(__builtin_ia32_crc32di(c32, a)), b));
}

const bool kHaveSse42 = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}();
const bool kHaveAvx = [] { return kHaveSse42 && __builtin_cpu_supports("avx") != 0; }();

}  // namespace

uint32_t crc32c(uint32_t crc, const void* data, size_t size) noexcept {
  return kHaveSse42 ? crc32c_sse42(crc, data, size) : detail::crc32c_table(crc, data, size);
}

uint32_t crc32c_tail(uint32_t crc, uint64_t a, uint32_t b) noexcept {
  return kHaveSse42 ? tail_sse42(crc, a, b) : tail_portable(crc, a, b);
}

const Crc32cSeal crc32c_seal = kHaveAvx ? seal_avx : kHaveSse42 ? seal_sse42 : seal_portable;
#else
const Crc32cSeal crc32c_seal = seal_portable;

uint32_t crc32c_tail(uint32_t crc, uint64_t a, uint32_t b) noexcept { return tail_portable(crc, a, b); }

uint32_t crc32c(uint32_t crc, const void* data, size_t size) noexcept {
  return detail::crc32c_table(crc, data, size);
}
#endif

}  // namespace nnoe
