// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/list_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace nnoe::tables {
namespace list {
namespace {

constexpr size_t kMaxLabel = 63;

// What a byte becomes in a name: itself in lower case, or 0 when it is none of a host name's characters.
struct Fold {
  uint8_t to[256] = {};
  constexpr Fold() {
    for (int c = 'a'; c <= 'z'; ++c) to[c] = static_cast<uint8_t>(c);
    for (int c = 'A'; c <= 'Z'; ++c) to[c] = static_cast<uint8_t>(c + ('a' - 'A'));
    for (int c = '0'; c <= '9'; ++c) to[c] = static_cast<uint8_t>(c);
    to[static_cast<uint8_t>('-')] = '-';
    to[static_cast<uint8_t>('_')] = '_';
  }
};
constexpr Fold kFold;

bool all_digits(const uint8_t* label, size_t size) noexcept {
  return std::all_of(label, label + size, [](uint8_t c) { return c >= '0' && c <= '9'; });
}

// The label that begins behind the length byte at `start` is complete.
bool close_label(WireName& out, size_t start, size_t end, RowFault& fault) noexcept {
  const size_t size = end - start - 1;
  if (size == 0 || size > kMaxLabel) return fault = RowFault::kLabel, false;
  out.bytes[start] = static_cast<uint8_t>(size);
  const uint8_t* label = out.bytes + start + 1;
  if (size >= 4 && std::memcmp(label, "xn--", 4) == 0 && !is_punycode(label, size))
    return fault = RowFault::kIdna, false;
  return true;
}

// Which part of a URL, or of something like one, is its host; false: it is about more than a host.
bool host_of(std::string_view& text, bool& from_url) noexcept {
  const size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  const size_t path = text.find_first_of("/?#");
  if (path != std::string_view::npos && path + 1 != text.size()) return false;
  if (path != std::string_view::npos) text.remove_suffix(1);
  const size_t port = text.find(':');
  if (port != std::string_view::npos) {
    const std::string_view digits = text.substr(port + 1);
    const auto* bytes = reinterpret_cast<const uint8_t*>(digits.data());
    if (digits.empty() || digits.size() > 5 || !all_digits(bytes, digits.size())) return false;
    text = text.substr(0, port);
  }
  from_url = true;
  return !text.empty();
}

Parsed parse_unicode(std::string_view& text, RowFault& fault) noexcept {
  fault = RowFault::kEncoding;
  if (!is_utf8(text)) return Parsed::kFault;
  fault = RowFault::kLength;
  if (text.size() > kMaxUnicode) return Parsed::kFault;
  fault = RowFault::kCharacter;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80 && byte != '.' && kFold.to[byte] == 0) return Parsed::kFault;
  }
  if (text.back() == '.') text.remove_suffix(1);
  return Parsed::kUnicode;
}

bool has_high_byte(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) >= 0x80; });
}

// An address with the length of a network, such as 192.0.2.0/24.
bool is_network(std::string_view text) noexcept {
  const size_t slash = text.find('/');
  return address_kind(text.substr(0, slash)) != AddressKind::kNone;
}

}  // namespace

Parsed parse_written(std::string_view& text, WireName& out, RowFault& fault, bool& from_url) noexcept {
  if (parse_list_name(text, out, fault)) return Parsed::kName;
  if (fault != RowFault::kCharacter) return Parsed::kFault;
  if (is_network(text)) return fault = RowFault::kAddress, Parsed::kFault;
  if (text.find_first_of(":/") != std::string_view::npos) {
    if (!host_of(text, from_url)) return fault = RowFault::kUrl, Parsed::kFault;
    if (address_kind(text) != AddressKind::kNone) return fault = RowFault::kAddress, Parsed::kFault;
    if (parse_list_name(text, out, fault)) return Parsed::kName;
    if (fault != RowFault::kCharacter) return Parsed::kFault;
  }
  if (text.find('*') != std::string_view::npos) return fault = RowFault::kWildcard, Parsed::kFault;
  return has_high_byte(text) ? parse_unicode(text, fault) : Parsed::kFault;
}

bool strip_wildcard(std::string_view& text) noexcept {
  if (text.size() > 2 && text[0] == '*' && text[1] == '.') return text.remove_prefix(2), true;
  if (text.size() > 1 && text[0] == '.' && text[1] != '.') return text.remove_prefix(1), true;
  if (text == "*" || text == "*.") return text = ".", true;
  return false;
}

AddressKind address_kind(std::string_view text) noexcept {
  if (text == "0.0.0.0" || text == "127.0.0.1") return AddressKind::kSinkhole;
  text = text.substr(0, text.find('%'));
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy) return AddressKind::kNone;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  if (std::memchr(copy, ':', text.size()) == nullptr) {
    in_addr v4{};
    if (copy[0] < '0' || copy[0] > '9' || ::inet_pton(AF_INET, copy, &v4) != 1) return AddressKind::kNone;
    const uint32_t address = ntohl(v4.s_addr);
    return address == 0 || address >> 24 == 127 ? AddressKind::kSinkhole : AddressKind::kOther;
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, copy, &v6) != 1) return AddressKind::kNone;
  const bool sinkhole = IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) ||
                        (IN6_IS_ADDR_V4MAPPED(&v6) && (v6.s6_addr[12] == 127 || v6.s6_addr[12] == 0));
  return sinkhole ? AddressKind::kSinkhole : AddressKind::kOther;
}

bool same_text(std::string_view text, std::string_view lower_case) noexcept {
  return text.size() == lower_case.size() &&
         std::equal(text.begin(), text.end(), lower_case.begin(),
                    [](char a, char b) { return lower(static_cast<uint8_t>(a)) == static_cast<uint8_t>(b); });
}

bool is_local(std::string_view text) noexcept {
  static constexpr std::string_view kLocal[] = {"localhost",     "localhost.localdomain",
                                                "localhost4",    "localhost4.localdomain4",
                                                "localhost6",    "localhost6.localdomain6",
                                                "local",         "broadcasthost",
                                                "ip6-localhost", "ip6-loopback",
                                                "ip6-localnet",  "ip6-mcastprefix",
                                                "ip6-allnodes",  "ip6-allrouters",
                                                "ip6-allhosts",  "0.0.0.0"};
  // Most names have another first letter and are done with here.
  const char first = text.empty() ? '\0' : text.front();
  if (std::strchr("lLbBiI0", first) == nullptr || first == '\0') return false;
  return std::any_of(std::begin(kLocal), std::end(kLocal),
                     [&](std::string_view each) { return same_text(text, each); });
}

bool is_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = at + text.size();
  while (at < end) {
    const uint8_t c = *at++;
    if (c < 0x80) continue;
    const int more = c >= 0xf0 && c <= 0xf4 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 0;
    if (more == 0 || end - at < more) return false;
    // The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF.
    const uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (at[0] < low || at[0] > high) return false;
    for (int i = 1; i < more; ++i)
      if ((at[i] & 0xc0) != 0x80) return false;
    at += more;
  }
  return true;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view next_word(std::string_view& rest) noexcept {
  size_t begin = 0;
  while (begin < rest.size() && is_blank(rest[begin])) ++begin;
  size_t end = begin;
  while (end < rest.size() && !is_blank(rest[end])) ++end;
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

}  // namespace list

bool parse_list_name(std::string_view text, WireName& out, RowFault& fault) noexcept {
  if (text == ".") return out.bytes[0] = 0, out.size = 1, true;
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty()) return fault = RowFault::kLabel, false;
  size_t start = 0;  // of the label's length byte
  size_t end = 1;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    const uint8_t folded = list::kFold.to[byte];
    if (folded == 0 && byte != '.') return fault = RowFault::kCharacter, false;
    // One byte stays free for the root label.
    if (end >= kMaxName - 1) return fault = RowFault::kLength, false;
    if (byte == '.') {
      if (!list::close_label(out, start, end, fault)) return false;
      start = end++;
    } else {
      out.bytes[end++] = folded;
    }
  }
  if (!list::close_label(out, start, end, fault)) return false;
  // No top-level domain is a number: this is an address, or a piece of one.
  if (list::all_digits(out.bytes + start + 1, end - start - 1)) return fault = RowFault::kAddress, false;
  out.bytes[end] = 0;
  out.size = end + 1;
  return true;
}

}  // namespace nnoe::tables
