// SPDX-License-Identifier: MPL-2.0
#include <cstring>

#include "shm/tables/program.h"

namespace nnoe::tables {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_escaped(uint8_t byte) noexcept {
  switch (byte) {
    case '"':
    case '$':
    case '(':
    case ')':
    case '.':
    case ';':
    case '@':
    case '\\':
      return true;
    default:
      return false;
  }
}

char* put_byte(char* at, uint8_t byte) noexcept {
  if (byte < 0x21 || byte > 0x7e) {
    *at++ = '\\';
    *at++ = static_cast<char>('0' + byte / 100);
    *at++ = static_cast<char>('0' + byte / 10 % 10);
    *at++ = static_cast<char>('0' + byte % 10);
    return at;
  }
  if (is_escaped(byte)) *at++ = '\\';
  *at++ = static_cast<char>(byte);
  return at;
}

char* put_decimal(char* at, uint8_t value) noexcept {
  if (value >= 100) *at++ = static_cast<char>('0' + value / 100);
  if (value >= 10) *at++ = static_cast<char>('0' + value / 10 % 10);
  *at++ = static_cast<char>('0' + value % 10);
  return at;
}

char* put_v4(char* at, const uint8_t* address) noexcept {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = put_decimal(at, address[i]);
  }
  return at;
}

char* put_group(char* at, uint32_t group) noexcept {
  bool begun = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const uint32_t digit = (group >> shift) & 0xf;
    begun = begun || digit != 0 || shift == 0;
    if (begun) *at++ = kHex[digit];
  }
  return at;
}

// RFC 5952: the longest run of two or more zero groups, the first of several, is "::".
char* put_v6(char* at, const uint8_t* address) noexcept {
  uint32_t groups[8];
  for (int i = 0; i < 8; ++i) groups[i] = static_cast<uint32_t>(address[2 * i] << 8 | address[2 * i + 1]);
  int best = -1;
  int longest = 1;
  for (int i = 0, run = 0; i < 8; ++i) {
    run = groups[i] == 0 ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      best = i - run + 1;
    }
  }
  for (int i = 0; i < 8; ++i) {
    if (i == best) {
      *at++ = ':';
      *at++ = ':';
      i += longest - 1;
      continue;
    }
    if (i > 0 && (best < 0 || i != best + longest)) *at++ = ':';
    at = put_group(at, groups[i]);
  }
  return at;
}

// GCC's and clang's vectors: SSE2 on x86-64, NEON on aarch64.
using Bytes = uint8_t __attribute__((vector_size(16)));
constexpr uint8_t kInside[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

Bytes load(const uint8_t* from) noexcept {
  Bytes x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

// Copies what lies behind the first length, with dots for lengths, when text and wire form of the name differ
// in nothing else. Bytes that are plain (letters, digits, '-', '_', '/') are counted: lengths among the
// others are all that there may be. Says whether that is so; what is copied when not is of no use.
bool copy_plain(const uint8_t* name, size_t size, char* text) noexcept {
  Bytes others{};
  for (size_t i = 0; i < size; i += sizeof(Bytes)) {
    const Bytes x = load(name + 1 + i);
    std::memcpy(text + i, &x, sizeof x);
    const auto plain =
        (static_cast<Bytes>(x - 'a') < 26) | (static_cast<Bytes>(x - '/') < 11) | (x == '-') | (x == '_');
    Bytes other = reinterpret_cast<Bytes>(plain) + 1;
    if (size - i < sizeof(Bytes)) other &= load(kInside + 16 - (size - i)) ^ 1;
    others += other;
  }
  uint64_t halves[2];
  std::memcpy(halves, &others, sizeof halves);
  // At most 16 in a byte, so the sum of each half fits into its highest byte.
  uint64_t special = ((halves[0] * 0x0101010101010101u) >> 56) + ((halves[1] * 0x0101010101010101u) >> 56);
  for (size_t at = 1u + name[0]; at < size + 1; at += 1u + name[at]) {
    const uint32_t length = name[at];
    if (length == 0) return false;
    text[at - 1] = '.';
    special -= length == '-' || length - '/' < 11u ? 0 : 1;
  }
  return special == 0;
}

}  // namespace

// Names are mostly of letters, digits and '-': those are copied whole, and looked at on the way.
size_t name_text(const uint8_t* name, size_t name_bytes, char* text) noexcept {
  if (name_bytes > kMaxName) return 0;
  const size_t size = name_bytes < 2 ? 0 : name_bytes - 2;
  if (copy_plain(name, size, text)) return size;
  char* at = text;
  for (size_t i = 0; i < name_bytes && name[i] != 0;) {
    const size_t end = i + 1 + name[i];
    if (end > name_bytes) break;
    if (at != text) *at++ = '.';
    for (++i; i < end; ++i) at = put_byte(at, name[i]);
  }
  return static_cast<size_t>(at - text);
}

size_t client_text(const uint8_t* address, size_t address_bytes, char* text) noexcept {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address_bytes == 4) return static_cast<size_t>(put_v4(text, address) - text);
  if (address_bytes != 16) return 0;
  if (std::memcmp(address, kMapped, sizeof kMapped) == 0) {
    return static_cast<size_t>(put_v4(text, address + sizeof kMapped) - text);
  }
  return static_cast<size_t>(put_v6(text, address) - text);
}

}  // namespace nnoe::tables
