// SPDX-License-Identifier: MPL-2.0
// Response policy zones as master files (RFC 1035, 5.1): triggers on the name that is asked for. A name's
// place is below the zone's own name, which `$ORIGIN` or the owner of the SOA record tells; a file without
// either has its triggers as they stand.
#include <array>
#include <cstring>
#include <string>

#include "shm/tables/list_name.h"
#include "shm/tables/list_rows.h"

namespace nnoe::tables::list {
namespace {

constexpr size_t kMaxWords = 8;  // of a record that are looked at; the rest is its data

// A name in zone syntax: `\.` and `\DDD` stand for bytes. Relative ones end without the root label.
struct ZoneName {
  WireName wire;
  bool absolute = false;
  bool unicode = false;
};

// The byte that `text[at]` begins, escaped or not; moves `at` behind it. False: a bad escape.
bool read_byte(std::string_view text, size_t& at, uint8_t& byte) noexcept {
  byte = static_cast<uint8_t>(text[at++]);
  if (byte != '\\') return true;
  if (at == text.size()) return false;
  byte = static_cast<uint8_t>(text[at++]);
  if (byte < '0' || byte > '9') return true;
  if (text.size() - at < 2) return false;
  unsigned value = byte - '0';
  for (int i = 0; i < 2; ++i) {
    const char digit = text[at++];
    if (digit < '0' || digit > '9') return false;
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  byte = static_cast<uint8_t>(value);
  return value < 256;
}

bool parse_zone_name(std::string_view text, ZoneName& out, RowFault& fault) noexcept {
  out.absolute = false;
  out.unicode = false;
  if (text == ".") return out.absolute = true, out.wire.size = 0, true;
  size_t start = 0;
  size_t end = 1;
  for (size_t at = 0; at < text.size();) {
    const bool dot = text[at] == '.';
    out.unicode = out.unicode || static_cast<uint8_t>(text[at]) >= 0x80;
    uint8_t byte = 0;
    if (!read_byte(text, at, byte)) return fault = RowFault::kCharacter, false;
    if (end >= kMaxName - 1 && !(dot && at == text.size())) return fault = RowFault::kLength, false;
    if (!dot) {
      out.wire.bytes[end++] = lower(byte);
      if (end - start > 64) return fault = RowFault::kLabel, false;
      continue;
    }
    if (end - start == 1) return fault = RowFault::kLabel, false;
    out.wire.bytes[start] = static_cast<uint8_t>(end - start - 1);
    out.absolute = at == text.size();
    if (out.absolute) return out.wire.size = end, true;
    start = end++;
  }
  out.wire.bytes[start] = static_cast<uint8_t>(end - start - 1);
  out.wire.size = end;
  return end - start > 1 || (fault = RowFault::kLabel, false);
}

// Whether `name` ends with `zone`, at a label; both without the root label.
bool within(const WireName& name, const WireName& zone) noexcept {
  size_t at = 0;
  while (name.size - at > zone.size) at += size_t{name.bytes[at]} + 1;
  return name.size - at == zone.size && std::memcmp(name.bytes + at, zone.bytes, zone.size) == 0;
}

bool bad_punycode(const WireName& name) noexcept {
  for (size_t at = 0; at < name.size; at += size_t{name.bytes[at]} + 1) {
    const uint8_t* label = name.bytes + at + 1;
    const size_t size = name.bytes[at];
    if (size >= 4 && std::memcmp(label, "xn--", 4) == 0 && !is_punycode(label, size)) return true;
  }
  return false;
}

// Triggers on addresses and servers: the last label of an owner, see the Internet-Draft on RPZ.
bool other_trigger(const WireName& name) noexcept {
  size_t last = 0;
  for (size_t at = 0; at < name.size; at += size_t{name.bytes[at]} + 1) last = at;
  if (name.size == 0) return false;
  const std::string_view label(reinterpret_cast<const char*>(name.bytes) + last + 1, name.bytes[last]);
  return label == "rpz-ip" || label == "rpz-client-ip" || label == "rpz-nsip" || label == "rpz-nsdname";
}

bool is_ttl(std::string_view word) noexcept {
  if (word.empty() || word.front() < '0' || word.front() > '9') return false;
  return word.find_first_not_of("0123456789smhdwSMHDW") == std::string_view::npos;
}

bool is_class(std::string_view word) noexcept {
  return same_text(word, "in") || same_text(word, "ch") || same_text(word, "hs") || same_text(word, "any");
}

struct Words {
  std::array<std::string_view, kMaxWords> word;
  size_t count = 0;
};

class Zone : public LineParser {
 public:
  explicit Zone(Rows& rows) : rows_(rows) {}

  void line(std::string_view text) override {
    const bool simple = depth_ == 0 && text.find_first_of("()\"") == std::string_view::npos;
    if (simple) return record(before_comment(text));
    join(text);
    if (depth_ != 0) return;
    const std::string whole = std::move(joined_);
    joined_.clear();
    if (!over_) return record(whole);
    over_ = false;
    rows_.fault(RowFault::kLine);
  }

  void end() override {
    if (depth_ != 0) rows_.fault(RowFault::kSyntax);
  }

 private:
  static std::string_view before_comment(std::string_view text) noexcept {
    for (size_t at = text.find(';'); at != std::string_view::npos; at = text.find(';', at + 1))
      if (at == 0 || text[at - 1] != '\\') return text.substr(0, at);
    return text;
  }

  // Adds a line to a record in parentheses. Quoted text is data that is not looked at: its blanks become `_`.
  void join(std::string_view text) {
    bool quoted = false;
    for (size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && c == ';') {
        break;
      } else if (!quoted && (c == '(' || c == ')')) {
        depth_ = c == '(' ? 1 : 0;
        add(' ');
      } else if (c == '\\' && at + 1 < text.size()) {
        add(c);
        add(text[++at]);
      } else {
        add(quoted && is_blank(c) ? '_' : c);
      }
    }
    add(' ');
  }

  void add(char c) {
    if (joined_.size() < kMaxListLine) {
      joined_.push_back(c);
    } else {
      over_ = true;
    }
  }

  void record(std::string_view text) {
    const bool same_owner = !text.empty() && is_blank(text.front());
    std::string_view rest = text;
    Words words;
    if (!same_owner) words.word[words.count++] = next_word(rest);
    for (std::string_view word = next_word(rest); !word.empty() && words.count < kMaxWords;
         word = next_word(rest))
      words.word[words.count++] = word;
    if (words.count == 0 || words.word[0].empty()) return;
    if (words.word[0].front() == '$') return directive(words);
    size_t at = 0;
    if (!same_owner && !owner(words.word[at++])) return;
    if (same_owner && !has_owner_) return rows_.fault(owner_fault_);
    while (at < words.count && (is_ttl(words.word[at]) || is_class(words.word[at]))) ++at;
    if (at == words.count) return rows_.fault(RowFault::kSyntax);
    const std::string_view type = words.word[at++];
    data(type, at < words.count ? words.word[at] : std::string_view());
  }

  void directive(const Words& words) {
    if (same_text(words.word[0], "$ttl")) return;
    if (!same_text(words.word[0], "$origin") || words.count < 2) return rows_.fault(RowFault::kUnsupported);
    ZoneName name;
    RowFault why = RowFault::kSyntax;
    if (!parse_zone_name(words.word[1], name, why) || !complete(name, why)) return rows_.fault(why);
    origin_ = name.wire;
    // Before any record it names the zone, unless the SOA record says otherwise.
    if (!zone_known_) zone_ = origin_;
    zone_known_ = true;
  }

  // Makes a relative name absolute.
  bool complete(ZoneName& name, RowFault& fault) const noexcept {
    if (name.absolute) return true;
    if (name.wire.size + origin_.size > kMaxName - 1) return fault = RowFault::kLength, false;
    std::memcpy(name.wire.bytes + name.wire.size, origin_.bytes, origin_.size);
    name.wire.size += origin_.size;
    return true;
  }

  bool owner(std::string_view text) {
    owner_text_ = {};
    has_owner_ = false;
    owner_fault_ = RowFault::kSyntax;
    if (text == "@") {
      owner_.wire = origin_;
      owner_.absolute = false;
      owner_.unicode = false;
      return has_owner_ = true;
    }
    if (!parse_zone_name(text, owner_, owner_fault_)) return rows_.fault(owner_fault_), false;
    if (owner_.unicode) owner_text_.assign(text.data(), text.size());
    return has_owner_ = complete(owner_, owner_fault_) || (rows_.fault(owner_fault_), false);
  }

  void data(std::string_view type, std::string_view target) {
    if (same_text(type, "soa")) {
      zone_ = owner_.wire;
      zone_known_ = owner_.absolute || origin_.size != 0;
      if (origin_.size == 0) origin_ = zone_;
      return;
    }
    if (!within(owner_.wire, zone_) || (owner_.absolute && !zone_known_))
      return rows_.fault(RowFault::kOutside);
    WireName name = owner_.wire;
    name.size -= zone_.size;
    if (name.size == 0) return;  // the zone's own servers, keys and notes
    if (other_trigger(name)) return rows_.fault(RowFault::kUnsupported);
    if (same_text(type, "rrsig") || same_text(type, "nsec") || same_text(type, "nsec3")) return;
    ZoneAction action = ZoneAction::kNxdomain;
    if (!action_of(type, target, name, action)) return rows_.fault(RowFault::kUnsupported);
    trigger(name, action);
  }

  static bool action_of(std::string_view type, std::string_view target, const WireName& name,
                        ZoneAction& out) noexcept {
    if (same_text(type, "a") || same_text(type, "aaaa")) {
      out = ZoneAction::kSinkhole;
      return address_kind(target) == AddressKind::kSinkhole;
    }
    if (!same_text(type, "cname")) return false;
    if (target == ".") return out = ZoneAction::kNxdomain, true;
    if (target == "*.") return out = ZoneAction::kNodata, true;
    if (same_text(target, "rpz-passthru.")) return out = ZoneAction::kPassthru, true;
    if (same_text(target, "rpz-drop.")) return out = ZoneAction::kDrop, true;
    if (same_text(target, "rpz-tcp-only.")) return out = ZoneAction::kTcpOnly, true;
    // A name that points to itself passes, in the older form.
    ZoneName to;
    RowFault unused = RowFault::kSyntax;
    out = ZoneAction::kPassthru;
    return parse_zone_name(target, to, unused) && to.absolute && to.wire.size == name.size &&
           std::memcmp(to.wire.bytes, name.bytes, name.size) == 0;
  }

  void trigger(WireName& name, ZoneAction action) {
    Reach reach = Reach::kExact;
    const Stance stance = action == ZoneAction::kPassthru ? Stance::kException : Stance::kListed;
    if (owner_.unicode) {
      std::string_view text = owner_text_;
      if (strip_wildcard(text)) reach = Reach::kBelow;
      if (!text.empty() && text.back() == '.') return rows_.fault(RowFault::kIdna);
      if (!is_utf8(text)) return rows_.fault(RowFault::kEncoding);
      if (text.size() > kMaxUnicode) return rows_.fault(RowFault::kLength);
      if (text.find('\\') != std::string_view::npos) return rows_.fault(RowFault::kIdna);
      ++rows_.report.zone_actions[static_cast<size_t>(action)];
      return rows_.unicode(text, reach, stance);
    }
    if (bad_punycode(name)) return rows_.fault(RowFault::kIdna);
    if (name.bytes[0] == 1 && name.bytes[1] == '*') {
      reach = Reach::kBelow;
      name.size -= 2;
      std::memmove(name.bytes, name.bytes + 2, name.size);
    }
    name.bytes[name.size++] = 0;
    ++rows_.report.zone_actions[static_cast<size_t>(action)];
    rows_.emit(name, reach, stance);
  }

  Rows& rows_;
  // Names without their root label.
  WireName origin_;
  WireName zone_;
  bool zone_known_ = false;
  ZoneName owner_;          // of the last record, completed
  std::string owner_text_;  // the same as it was written, when it is not ASCII
  bool has_owner_ = false;
  RowFault owner_fault_ = RowFault::kSyntax;
  std::string joined_;
  int depth_ = 0;
  bool over_ = false;
};

}  // namespace

std::unique_ptr<LineParser> make_zone_parser(Rows& rows) { return std::make_unique<Zone>(rows); }

}  // namespace nnoe::tables::list
