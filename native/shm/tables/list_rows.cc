// SPDX-License-Identifier: MPL-2.0
// Hosts files, plain names, adblock rules and dnsmasq configuration; zones are in list_zone.cc.
#include "shm/tables/list_rows.h"

#include <cctype>
#include <cstring>

#include "shm/tables/list_name.h"

namespace nnoe::tables::list {

void Rows::emit(const WireName& name, Reach reach, Stance stance) {
  ++(stance == Stance::kListed ? report.names : report.exceptions);
  sink.name(name.bytes, name.size, reach, stance);
}

void Rows::unicode(std::string_view text, Reach reach, Stance stance) {
  ++report.unicode;
  sink.unicode(text, reach, stance, line);
}

void Rows::written(std::string_view text, Reach reach, Stance stance) {
  if (strip_wildcard(text)) reach = Reach::kSubtree;
  WireName name;
  RowFault why = RowFault::kSyntax;
  bool from_url = false;
  const Parsed parsed = parse_written(text, name, why, from_url);
  if (parsed == Parsed::kFault) return fault(why);
  report.from_urls += from_url ? 1 : 0;
  if (parsed == Parsed::kName) {
    emit(name, reach, stance);
  } else {
    unicode(text, reach, stance);
  }
}

std::string_view without_comment(std::string_view text, const char* marks) noexcept {
  for (const char* mark = marks; *mark != 0; ++mark) {
    for (size_t at = text.find(*mark); at != std::string_view::npos; at = text.find(*mark, at + 1)) {
      if (at != 0 && !is_blank(text[at - 1])) continue;
      text = text.substr(0, at);
      break;
    }
  }
  return text;
}

namespace {

// `0.0.0.0 name [name...] # comment`
class Hosts : public LineParser {
 public:
  explicit Hosts(Rows& rows) : rows_(rows) {}
  void line(std::string_view text) override {
    text = text.substr(0, text.find('#'));
    const std::string_view address = next_word(text);
    if (address.empty()) return;
    const AddressKind kind = address_kind(address);
    if (kind == AddressKind::kNone) return rows_.fault(RowFault::kSyntax);
    std::string_view name = next_word(text);
    if (name.empty()) return rows_.fault(RowFault::kSyntax);
    for (; !name.empty(); name = next_word(text)) {
      if (is_local(name)) {
        ++rows_.report.local;
      } else if (kind == AddressKind::kOther) {
        rows_.fault(RowFault::kTarget);
      } else {
        rows_.written(name, rows_.plain_reach, Stance::kListed);
      }
    }
  }

 private:
  Rows& rows_;
};

// One name a row.
class Domains : public LineParser {
 public:
  explicit Domains(Rows& rows) : rows_(rows) {}
  void line(std::string_view text) override {
    text = trim(without_comment(text, "#;"));
    if (text.empty() || text.front() == '!' || text.substr(0, 2) == "//") return;
    const std::string_view name = next_word(text);
    if (!trim(text).empty()) return rows_.fault(RowFault::kSyntax);
    if (is_local(name)) {
      ++rows_.report.local;
    } else {
      rows_.written(name, rows_.plain_reach, Stance::kListed);
    }
  }

 private:
  Rows& rows_;
};

// Options that a rule for whole domains may carry: they choose among requests to the name, which a name
// server cannot tell apart. The set that AdGuard's compiler of host lists removes, and `important`.
bool is_harmless_option(std::string_view option) noexcept {
  static constexpr std::string_view kHarmless[] = {"important", "third-party", "3p",    "all",
                                                   "document",  "doc",         "popup", "network"};
  for (const std::string_view each : kHarmless)
    if (option == each) return true;
  return false;
}

bool all_harmless(std::string_view options) noexcept {
  while (true) {
    const size_t comma = options.find(',');
    if (!is_harmless_option(options.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    options.remove_prefix(comma + 1);
  }
}

// `||name^`, `@@||name^`, both with options; names and hosts rows by themselves, as filters for DNS have
// them.
class Adblock : public LineParser {
 public:
  explicit Adblock(Rows& rows) : rows_(rows), hosts_(rows) {}
  void line(std::string_view text) override {
    text = trim(text);
    if (text.empty() || text.front() == '!' || text.front() == '[') return;
    // `##` and its kin hide elements of pages; a single number sign begins a comment.
    if (text.front() == '#' && (text.size() == 1 || std::strchr("#@?$%", text[1]) == nullptr)) return;
    const bool exception = text.substr(0, 2) == "@@";
    const Stance stance = exception ? Stance::kException : Stance::kListed;
    if (exception) text.remove_prefix(2);
    if (text.substr(0, 2) == "||") return rule(text.substr(2), stance);
    if (exception) return rows_.fault(RowFault::kUnsupported);
    plain(text);
  }

 private:
  void rule(std::string_view text, Stance stance) {
    const size_t end = text.find('^');
    if (end == std::string_view::npos) return rows_.fault(RowFault::kUnsupported);
    std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() == '|') rest.remove_prefix(1);
    if (!rest.empty() && (rest.front() != '$' || !all_harmless(rest.substr(1))))
      return rows_.fault(RowFault::kUnsupported);
    const std::string_view name = text.substr(0, end);
    // Beside a domain there is nothing here that could be blocked: a path, a scheme, a pattern.
    if (name.find_first_of("/:") != std::string_view::npos) return rows_.fault(RowFault::kUnsupported);
    rows_.written(name, Reach::kSubtree, stance);
  }

  void plain(std::string_view text) {
    const std::string_view bare = trim(without_comment(text, "#"));
    if (bare.empty()) return rows_.fault(RowFault::kUnsupported);
    if (bare.find_first_of(" \t") != std::string_view::npos) {
      std::string_view rest = bare;
      if (address_kind(next_word(rest)) != AddressKind::kNone) return hosts_.line(bare);
      return rows_.fault(RowFault::kUnsupported);
    }
    // Anything else is a part of a URL.
    const bool whole = std::isalnum(static_cast<unsigned char>(bare.front())) != 0 && bare.back() != '.';
    if (!whole || bare.find('.') == std::string_view::npos ||
        bare.find_first_of("/^$|#=*:,@()[]{}?&") != std::string_view::npos)
      return rows_.fault(RowFault::kUnsupported);
    rows_.written(bare, rows_.plain_reach, Stance::kListed);
  }

  Rows& rows_;
  Hosts hosts_;
};

// `address=/name/[name/...]target`, `server=/name/`, `local=/name/`
class Dnsmasq : public LineParser {
 public:
  explicit Dnsmasq(Rows& rows) : rows_(rows) {}
  void line(std::string_view text) override {
    text = trim(without_comment(text, "#"));
    if (text.empty()) return;
    if (text.substr(0, 2) == "--") text.remove_prefix(2);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return rows_.fault(RowFault::kSyntax);
    const std::string_view key = trim(text.substr(0, equals));
    const std::string_view value = trim(text.substr(equals + 1));
    const bool address = key == "address";
    if (!address && key != "server" && key != "local") return rows_.fault(RowFault::kUnsupported);
    const size_t last = value.rfind('/');
    if (value.empty() || value.front() != '/' || last == 0)
      return rows_.fault(value.empty() || address ? RowFault::kSyntax : RowFault::kUnsupported);
    names(value.substr(1, last - 1), value.substr(last + 1), address);
  }

 private:
  // `target`: an address to answer or a server to ask; none means that nothing is known of the names.
  void names(std::string_view all, std::string_view target, bool address) {
    Stance stance = Stance::kListed;
    if (!target.empty() && target != "#") {
      if (!address) return rows_.fault(RowFault::kUnsupported);
      const AddressKind kind = address_kind(target);
      if (kind != AddressKind::kSinkhole)
        return rows_.fault(kind == AddressKind::kOther ? RowFault::kTarget : RowFault::kSyntax);
    }
    // `#` as a server: ask the usual ones after all. As an address: the unspecified one.
    if (target == "#" && !address) stance = Stance::kException;
    while (true) {
      const size_t slash = all.find('/');
      const std::string_view name = all.substr(0, slash);
      // `#` stands for every name, an empty one for names without a dot.
      if (name.empty()) {
        rows_.fault(RowFault::kUnsupported);
      } else {
        rows_.written(name == "#" ? "." : name, Reach::kSubtree, stance);
      }
      if (slash == std::string_view::npos) return;
      all.remove_prefix(slash + 1);
    }
  }

  Rows& rows_;
};

}  // namespace

std::unique_ptr<LineParser> make_line_parser(ListFormat format, Rows& rows) {
  switch (format) {
    case ListFormat::kHosts:
      return std::make_unique<Hosts>(rows);
    case ListFormat::kAdblock:
      return std::make_unique<Adblock>(rows);
    case ListFormat::kDnsmasq:
      return std::make_unique<Dnsmasq>(rows);
    case ListFormat::kRpz:
      return make_zone_parser(rows);
    default:
      return std::make_unique<Domains>(rows);
  }
}

}  // namespace nnoe::tables::list
