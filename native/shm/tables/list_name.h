// SPDX-License-Identifier: MPL-2.0
// Names and addresses as rows of list files carry them.
#pragma once

#include <string_view>

#include "shm/tables/list_file.h"

namespace nnoe::tables::list {

enum class Parsed : uint8_t { kName, kUnicode, kFault };

// A name as people write it, a URL of a whole host included (`from_url`). `text` becomes the part that was
// taken for the name, without a trailing dot, when it is kUnicode.
Parsed parse_written(std::string_view& text, WireName& out, RowFault& fault, bool& from_url) noexcept;

// Takes `*.` or `.` away from the beginning; whether there was one. `*` alone leaves the root, `.`.
bool strip_wildcard(std::string_view& text) noexcept;

enum class AddressKind : uint8_t { kNone, kSinkhole, kOther };
// kSinkhole: unspecified or loopback, of either family. An interface (`%lo0`) may follow.
AddressKind address_kind(std::string_view text) noexcept;

// Names that hosts files carry for the machine itself.
bool is_local(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

// A label that begins with `xn--`, in lower case: whether it decodes (RFC 3492) to at least one character
// that is not ASCII.
bool is_punycode(const uint8_t* label, size_t size) noexcept;

// ASCII letters in lower case; other bytes as they are.
inline uint8_t lower(uint8_t c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c + ('a' - 'A')) : c;
}
bool same_text(std::string_view text, std::string_view lower_case) noexcept;

inline bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
std::string_view trim(std::string_view text) noexcept;
// The next word of `rest`, which begins behind it afterwards; empty: there is none.
std::string_view next_word(std::string_view& rest) noexcept;

}  // namespace nnoe::tables::list
