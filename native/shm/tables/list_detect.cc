// SPDX-License-Identifier: MPL-2.0
// Every row of a file's beginning votes for the format that it can only be; the most votes win.
#include <algorithm>
#include <array>

#include "shm/tables/list_name.h"
#include "shm/tables/list_rows.h"

namespace nnoe::tables::list {
namespace {

bool begins(std::string_view text, std::string_view with) noexcept {
  return text.substr(0, with.size()) == with;
}

bool is_zone_row(std::string_view text) noexcept {
  if (begins(text, "$TTL") || begins(text, "$ORIGIN")) return true;
  // Owner, time to live and class may stand before the type, each of them or none.
  for (int words = 0; words < 4; ++words) {
    const std::string_view word = next_word(text);
    if (same_text(word, "cname") || same_text(word, "soa")) return !trim(text).empty();
  }
  return false;
}

bool is_dnsmasq_row(std::string_view text) noexcept {
  if (begins(text, "--")) text.remove_prefix(2);
  return begins(text, "address=/") || begins(text, "server=/") || begins(text, "local=/");
}

bool is_adblock_row(std::string_view text) noexcept {
  return begins(text, "||") || begins(text, "@@") || begins(text, "[Adblock") ||
         text.find("##") != std::string_view::npos;
}

// kAuto: no vote.
ListFormat vote_of(std::string_view line) noexcept {
  const std::string_view text = trim(line);
  if (text.empty() || text.front() == ';') return ListFormat::kAuto;
  if (is_adblock_row(text)) return ListFormat::kAdblock;
  if (text.front() == '#' || text.front() == '!') return ListFormat::kAuto;
  if (is_dnsmasq_row(text)) return ListFormat::kDnsmasq;
  if (is_zone_row(text)) return ListFormat::kRpz;
  std::string_view rest = text;
  const std::string_view first = next_word(rest);
  if (address_kind(first) != AddressKind::kNone)
    return trim(rest).empty() ? ListFormat::kAuto : ListFormat::kHosts;
  const std::string_view more = trim(without_comment(rest, "#;"));
  std::string_view name = first;
  WireName wire;
  RowFault fault = RowFault::kSyntax;
  bool from_url = false;
  strip_wildcard(name);
  if (!more.empty() || name.find('.') == std::string_view::npos) return ListFormat::kAuto;
  return parse_written(name, wire, fault, from_url) == Parsed::kFault ? ListFormat::kAuto
                                                                      : ListFormat::kDomains;
}

}  // namespace

ListFormat detect_format(std::string_view head) {
  std::array<uint32_t, kListFormats> votes{};
  while (!head.empty()) {
    const size_t end = head.find('\n');
    ++votes[static_cast<size_t>(vote_of(head.substr(0, end)))];
    if (end == std::string_view::npos) break;
    head.remove_prefix(end + 1);
  }
  votes[static_cast<size_t>(ListFormat::kAuto)] = 0;
  const auto* most = std::max_element(votes.begin(), votes.end());
  return *most == 0 ? ListFormat::kAuto : static_cast<ListFormat>(most - votes.begin());
}

}  // namespace nnoe::tables::list
