// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/program.h"

#include <algorithm>
#include <cstring>

#include "shm/tables/program_asked.h"

namespace nnoe::tables {

using namespace program;

// One run; everything it reads of the section was checked by open().
class ProgramRun {
 public:
  ProgramRun(const Programs& programs, const Request& request) noexcept : p_(programs), asked_(request) {}

  const Terminal& run(const Program& program, uint16_t& terminal) noexcept {
    const Instruction* at = p_.code_ + program.first;
    while (at->op != static_cast<uint8_t>(Op::kReturn)) at += holds(*at) ? at->on_true : at->on_false;
    terminal = at->operand;
    return p_.terminals_[at->operand];
  }

 private:
  bool holds(const Instruction& it) noexcept {
    switch (static_cast<Op>(it.op)) {
      case Op::kNameIs:
        return name_is(constant(it));
      case Op::kNameIn:
        return holds_name(constant(it), asked_.request().name, asked_.request().name_bytes);
      case Op::kNameUnder:
        return name_under(it.operand);
      case Op::kNameUnderAny:
        return name_under_any(constant(it));
      case Op::kTypeIs:
        return asked_.request().type == it.operand;
      case Op::kTypeIn:
        return type_in(constant(it));
      case Op::kClientIn:
        return client_in(constant(it));
      case Op::kListsAny:
      case Op::kListsAll:
      case Op::kListsCount:
        return lists(it);
      default:
        return text_holds(it);
    }
  }

  bool text_holds(const Instruction& it) noexcept {
    const std::string_view text = asked_.text(static_cast<Text>(it.arg & kTextMask));
    const Constant& c = constant(it);
    const std::string_view wanted(reinterpret_cast<const char*>(data(c)), c.bytes);
    switch (static_cast<Op>(it.op)) {
      case Op::kPrefix:
        return text.substr(0, wanted.size()) == wanted;
      case Op::kSuffix:
        return text.size() >= wanted.size() && text.substr(text.size() - wanted.size()) == wanted;
      case Op::kContains:
        return text.find(wanted) != std::string_view::npos;
      case Op::kOrder:
        return in_order(static_cast<Order>(it.arg >> kArgShift), text.compare(wanted));
      case Op::kSize:
        return in_span(data(c), static_cast<uint32_t>(text.size()));
      case Op::kDfa:
        return outcome(c, text) == it.arg >> kArgShift;
      default:
        return false;
    }
  }

  const Constant& constant(const Instruction& it) const noexcept { return p_.constants_[it.operand]; }
  const uint8_t* data(const Constant& c) const noexcept { return p_.pool_ + c.offset; }

  static bool in_order(Order order, int compared) noexcept {
    switch (order) {
      case Order::kLess:
        return compared < 0;
      case Order::kLessEqual:
        return compared <= 0;
      case Order::kGreater:
        return compared > 0;
      default:
        return compared >= 0;
    }
  }

  static bool in_span(const uint8_t* span, uint32_t value) noexcept {
    uint32_t bounds[2];
    std::memcpy(bounds, span, sizeof bounds);
    return value >= bounds[0] && value <= bounds[1];
  }

  uint8_t outcome(const Constant& c, std::string_view text) const noexcept {
    const uint8_t* at = data(c);
    DfaHeader dfa;
    std::memcpy(&dfa, at, sizeof dfa);
    const uint8_t* classes = at + sizeof dfa;
    const uint8_t* outcomes = classes + 256;
    const auto* next = reinterpret_cast<const uint16_t*>(outcomes + (dfa.states + 7) / 8 * 8);
    uint32_t state = dfa.start;
    for (const char byte : text) {
      if ((outcomes[state] & kFinal) != 0) break;
      state = next[state * dfa.classes + classes[static_cast<uint8_t>(byte)]];
    }
    return outcomes[state] & kOutcomeMask;
  }

  bool name_is(const Constant& c) const noexcept {
    const Request& r = asked_.request();
    return r.name_bytes == c.bytes && std::memcmp(r.name, data(c), c.bytes) == 0;
  }

  bool holds_name(const Constant& c, const uint8_t* name, uint32_t size) const noexcept {
    const uint8_t* at = data(c);
    NamesHeader names;
    std::memcpy(&names, at, sizeof names);
    if (size > kMaxName || (names.sizes[size / 8] & 1u << size % 8) == 0) return false;
    const auto* slots = reinterpret_cast<const Slot*>(at + sizeof names);
    const uint32_t hash = name_hash(name, size);
    for (uint32_t i = hash;; ++i) {
      const Slot& slot = slots[i & (names.slots - 1)];
      if (slot.at == 0) return false;
      if (slot.hash == hash && (slot.at & 0xff) == size && std::memcmp(at + (slot.at >> 8), name, size) == 0)
        return true;
    }
  }

  bool name_under(uint16_t operand) noexcept {
    const Constant& c = p_.constants_[operand];
    if (!asked_.plain()) {
      const std::string_view text = asked_.text(Text::kName);
      const Constant& t = p_.constants_[operand + 1u];
      const std::string_view wanted(reinterpret_cast<const char*>(data(t)), t.bytes);
      return text.size() >= wanted.size() && text.substr(text.size() - wanted.size()) == wanted;
    }
    const Request& r = asked_.request();
    if (asked_.labels() <= c.extra) return false;
    const uint32_t from = asked_.label_at(asked_.labels() - c.extra);
    return r.name_bytes - from == c.bytes && std::memcmp(r.name + from, data(c), c.bytes) == 0;
  }

  bool name_under_any(const Constant& c) noexcept {
    const Request& r = asked_.request();
    if (!asked_.plain()) return text_under_any(c);
    for (uint32_t i = 1; i < asked_.labels(); ++i) {
      const uint32_t from = asked_.label_at(i);
      if (holds_name(c, r.name + from, r.name_bytes - from)) return true;
    }
    return false;
  }

  // A dot of the text may be a byte of a label, written as "\.": what follows it is tried as a name as well.
  bool text_under_any(const Constant& c) noexcept {
    const Request& r = asked_.request();
    uint8_t name[kMaxName + 1];
    for (uint32_t i = 0; i < asked_.labels(); ++i) {
      const uint32_t from = asked_.label_at(i);
      const uint32_t end = from + 1 + r.name[from];
      if (i > 0 && holds_name(c, r.name + from, r.name_bytes - from)) return true;
      for (uint32_t dot = from + 1; dot + 1 < end; ++dot) {
        if (r.name[dot] != '.') continue;
        const uint32_t size = r.name_bytes - dot;
        std::memcpy(name, r.name + dot, size);
        name[0] = static_cast<uint8_t>(end - dot - 1);
        if (holds_name(c, name, size)) return true;
      }
    }
    return false;
  }

  bool type_in(const Constant& c) const noexcept {
    const auto* ranges = reinterpret_cast<const uint16_t*>(data(c));
    const uint16_t type = asked_.request().type;
    for (uint32_t i = 0; i < c.extra; ++i) {
      if (type <= ranges[2 * i + 1]) return type >= ranges[2 * i];
    }
    return false;
  }

  bool client_in(const Constant& c) const noexcept {
    const uint8_t* at = data(c);
    RangesHeader ranges;
    std::memcpy(&ranges, at, sizeof ranges);
    const auto* v4 = reinterpret_cast<const uint32_t*>(at + sizeof ranges);
    uint32_t address = 0;
    if (asked_.v4(address)) {
      // The first range that ends at the address or behind it.
      uint32_t low = 0;
      for (uint32_t high = ranges.v4; low < high;) {
        const uint32_t middle = low + (high - low) / 2;
        if (v4[2 * middle + 1] < address) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return low < ranges.v4 && v4[2 * low] <= address;
    }
    const Request& r = asked_.request();
    if (r.address_bytes != 16) return false;
    const auto* v6 = reinterpret_cast<const uint8_t*>(v4 + 2 * size_t{ranges.v4});
    uint32_t low = 0;
    for (uint32_t high = ranges.v6; low < high;) {
      const uint32_t middle = low + (high - low) / 2;
      if (std::memcmp(v6 + 32 * size_t{middle} + 16, r.address, 16) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < ranges.v6 && std::memcmp(v6 + 32 * size_t{low}, r.address, 16) <= 0;
  }

  bool lists(const Instruction& it) const noexcept {
    static constexpr uint64_t kNone[4] = {};
    const uint64_t* have = asked_.request().lists != nullptr ? asked_.request().lists : kNone;
    uint64_t mask[4];
    std::memcpy(mask, data(constant(it)), sizeof mask);
    if (static_cast<Op>(it.op) == Op::kListsAny) {
      return ((mask[0] & have[0]) | (mask[1] & have[1]) | (mask[2] & have[2]) | (mask[3] & have[3])) != 0;
    }
    if (static_cast<Op>(it.op) == Op::kListsAll) {
      return ((mask[0] & ~have[0]) | (mask[1] & ~have[1]) | (mask[2] & ~have[2]) | (mask[3] & ~have[3])) == 0;
    }
    int count = 0;
    for (int i = 0; i < 4; ++i) count += __builtin_popcountll(mask[i] & have[i]);
    return in_span(data(constant(it)) + sizeof mask, static_cast<uint32_t>(count));
  }

  const Programs& p_;
  Asked asked_;
};

Programs::Outcome Programs::run(uint16_t role_set, const Request& request) const noexcept {
  Outcome outcome;
  if (role_set >= header_.role_sets) return outcome;
  const uint32_t entry = roles_[role_set];
  if (entry == kUnplanned) return outcome;
  if ((entry & kFallback) != 0) {
    outcome.result = (entry & kFallbackClient) != 0 ? Result::kFallbackClient : Result::kFallback;
    outcome.action = static_cast<uint16_t>(entry & kFallbackAction);
    return outcome;
  }
  ProgramRun run(*this, request);
  outcome.action = run.run(programs_[entry - 1], outcome.terminal).action;
  outcome.result = Result::kAction;
  return outcome;
}

std::string_view Programs::why(uint16_t terminal) const noexcept {
  if (terminal >= header_.terminals) return {};
  const Terminal& t = terminals_[terminal];
  return {reinterpret_cast<const char*>(pool_ + t.why), t.why_bytes};
}

}  // namespace nnoe::tables
