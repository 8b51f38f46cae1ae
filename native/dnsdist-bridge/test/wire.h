// SPDX-License-Identifier: MPL-2.0
// Packets of tests: made, and taken apart again by other code than the answers' own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shm/tables/actions.h"

namespace nnoe::test {

using Bytes = std::string;

inline Bytes be16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

inline Bytes wire_name(const std::vector<std::string>& labels) {
  Bytes name;
  for (const std::string& label : labels) name += static_cast<char>(label.size()) + label;
  return name + '\0';
}

struct Edns {
  unsigned udp_size = 1232;
  bool dnssec_ok = false;
  Bytes options;
};

inline Bytes opt(const Edns& edns) {
  return Bytes(1, '\0') + be16(41) + be16(edns.udp_size) + be16(0) + be16(edns.dnssec_ok ? 0x8000 : 0) +
         be16(static_cast<unsigned>(edns.options.size())) + edns.options;
}

struct Asked {
  Bytes name = wire_name({"ads", "example"});
  unsigned type = 1;
  unsigned klass = 1;
  unsigned flags = 0x0100;  // RD
  std::optional<Edns> edns;
};

inline Bytes packet(const Asked& asked) {
  const Bytes counts = be16(1) + be16(0) + be16(0) + be16(asked.edns ? 1 : 0);
  return be16(0xbeef) + be16(asked.flags) + counts + asked.name + be16(asked.type) + be16(asked.klass) +
         (asked.edns ? opt(*asked.edns) : Bytes());
}

struct Record {
  Bytes owner;  // as it stands, possibly a pointer
  unsigned type, klass;
  uint32_t ttl;
  Bytes data;
};

struct Message {
  unsigned id = 0, flags = 0;
  Bytes question;
  std::vector<Record> sections[3];
};

// Nothing for bytes that are not exactly one message with one question.
inline std::optional<Message> parse(const Bytes& bytes) {
  const auto at16 = [&](size_t at) {
    return static_cast<unsigned>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
  };
  size_t at = 12;
  const auto name = [&]() -> std::optional<Bytes> {
    const size_t begin = at;
    for (; at < bytes.size(); at += 1 + static_cast<uint8_t>(bytes[at])) {
      if (static_cast<uint8_t>(bytes[at]) >= 0xc0) return at += 2, bytes.substr(begin, at - begin);
      if (bytes[at] == 0) return ++at, bytes.substr(begin, at - begin);
    }
    return std::nullopt;
  };
  if (bytes.size() < 12 || at16(4) != 1) return std::nullopt;
  Message message{at16(0), at16(2), {}, {}};
  if (!name() || at + 4 > bytes.size()) return std::nullopt;
  at += 4;
  message.question = bytes.substr(12, at - 12);
  for (size_t section = 0; section < 3; ++section) {
    for (unsigned left = at16(6 + 2 * section); left > 0; --left) {
      const auto owner = name();
      if (!owner || at + 10 > bytes.size()) return std::nullopt;
      const size_t length = at16(at + 8);
      if (at + 10 + length > bytes.size()) return std::nullopt;
      message.sections[section].push_back(
          {*owner, at16(at), at16(at + 2), at16(at + 4) << 16 | at16(at + 6), bytes.substr(at + 10, length)});
      at += 10 + length;
    }
  }
  return at == bytes.size() ? std::optional(message) : std::nullopt;
}

// A table in memory.
class ActionTable {
 public:
  explicit ActionTable(const std::vector<tables::ActionSpec>& specs) {
    tables::ActionsBuilder builder;
    std::string why;
    for (const tables::ActionSpec& spec : specs) builder.add(spec, why);
    open(builder);
  }
  // Its action 1 is `spec`.
  explicit ActionTable(const tables::ActionSpec& spec) {
    tables::ActionsBuilder builder;
    std::string why;
    builder.add(spec, why);
    open(builder);
  }
  const tables::Action& operator[](uint32_t id) const { return actions_[id]; }
  uint32_t count() const { return actions_.count(); }

 private:
  void open(const tables::ActionsBuilder& builder) {
    std::string why;
    body_ = builder.build();
    tables::Actions::open({body_.data(), body_.size()}, actions_, why);
  }

  std::vector<uint8_t> body_;
  tables::Actions actions_;
};

}  // namespace nnoe::test
