// SPDX-License-Identifier: MPL-2.0
// Running programs. Everything that is read of the section was checked by open(): no index is looked at here.
// Tests that most policies are made of stand in the loop; those on texts, which have to be made first, do
// not.
#include "shm/tables/program.h"

#include <algorithm>
#include <cstring>

#include "shm/tables/program_asked.h"

namespace nnoe::tables {

using namespace program;

namespace {

uint64_t load8(const uint8_t* from) noexcept {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}
uint32_t load4(const uint8_t* from) noexcept {
  uint32_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// memcmp() == 0 for the sizes of names, the end first: that is where names of one zone are alike, and others
// differ.
inline bool same(const uint8_t* a, const uint8_t* b, size_t size) noexcept {
  if (size >= 8) {
    if (load8(a + size - 8) != load8(b + size - 8)) return false;
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (load8(a + i) != load8(b + i)) return false;
    }
    return true;
  }
  if (size >= 4) return load4(a) == load4(b) && load4(a + size - 4) == load4(b + size - 4);
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

[[gnu::noinline]] bool same_name(const uint8_t* a, const uint8_t* b, size_t size) noexcept {
  return same(a, b, size);
}

// Whether a label begins at `place`.
bool begins_label(const Request& r, uint32_t place) noexcept {
  uint32_t at = 0;
  while (at < place && r.name[at] != 0) at += 1u + r.name[at];
  return at == place;
}

// The address as IPv4, when it is one or maps one.
bool ipv4_of(const Request& r, uint32_t& address) noexcept {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const uint8_t* bytes = r.address;
  if (r.address_bytes == 16) {
    if (std::memcmp(bytes, kMapped, sizeof kMapped) != 0) return false;
    bytes += sizeof kMapped;
  } else if (r.address_bytes != 4) {
    return false;
  }
  address = __builtin_bswap32(load4(bytes));
  return true;
}

bool in_span(const uint8_t* span, uint32_t value) noexcept {
  return value >= load4(span) && value <= load4(span + 4);
}

}  // namespace

// Runs of programs. What is seldom or long is not inlined: the loop shall need few registers.
class ProgramRun {
 public:
  // Goes on from `at` to a terminal, or to a test that needs a text.
  [[gnu::always_inline]] static const Instruction* run(const Programs& p, const Request& r,
                                                       const Instruction* at) noexcept {
    for (;;) {
      bool holds;
      switch (static_cast<Op>(at->op)) {
        case Op::kTypeIs:
          holds = r.type == at->operand;
          break;
        case Op::kListIs:
          holds = r.lists != nullptr && (r.lists[at->operand / 64] >> at->operand % 64 & 1) != 0;
          break;
        case Op::kNameIs:
          holds = name_is(r, constant(p, *at), data(p, *at));
          break;
        case Op::kNameIn:
          holds = holds_name(data(p, *at), r.name, r.name_bytes);
          break;
        case Op::kNameUnder:
          holds = name_under(r, constant(p, *at), data(p, *at));
          break;
        case Op::kNameBegins:
          holds = name_begins(r, constant(p, *at), data(p, *at));
          break;
        case Op::kClientIn:
          holds = client_in(r, data(p, *at));
          break;
        case Op::kListsAny:
          holds = lists_any(r, data(p, *at));
          break;
        default:
          return at;
      }
      at += holds ? at->on_true : at->on_false;
    }
  }

  // A test that run() does not do itself.
  static bool holds(const Programs& p, const Request& r, const Instruction& it, Asked& asked) noexcept {
    switch (static_cast<Op>(it.op)) {
      case Op::kTypeIn:
        return type_in(r, constant(p, it), data(p, it));
      case Op::kListsAll:
        return lists_all(r, data(p, it));
      case Op::kListsCount:
        return lists_count(r, data(p, it));
      case Op::kNameUnderAny:
        return name_under_any(r, data(p, it));
      default:
        return on_text(it, constant(p, it), data(p, it), asked.text(static_cast<Text>(it.arg & kTextMask)));
    }
  }

 private:
  static const Constant& constant(const Programs& p, const Instruction& it) noexcept {
    return p.constants_[it.operand];
  }
  static const uint8_t* data(const Programs& p, const Instruction& it) noexcept {
    return p.pool_ + constant(p, it).offset;
  }

  [[gnu::noinline]] static bool lists_any(const Request& r, const uint8_t* mask) noexcept {
    const uint64_t* have = r.lists;
    if (have == nullptr) return false;
    return ((load8(mask) & have[0]) | (load8(mask + 8) & have[1]) | (load8(mask + 16) & have[2]) |
            (load8(mask + 24) & have[3])) != 0;
  }

  static bool name_is(const Request& r, const Constant& c, const uint8_t* name) noexcept {
    return r.name_bytes == c.bytes && same_name(r.name, name, c.bytes);
  }

  [[gnu::noinline]] static bool holds_name(const uint8_t* at, const uint8_t* name, uint32_t size) noexcept {
    const auto* names = reinterpret_cast<const NamesHeader*>(at);
    if (size > kMaxName || (names->sizes[size / 8] & 1u << size % 8) == 0) return false;
    const auto* slots = reinterpret_cast<const Slot*>(at + sizeof *names);
    const uint32_t hash = name_hash(name, size);
    for (uint32_t i = hash;; ++i) {
      const Slot& slot = slots[i & (names->slots - 1)];
      if (slot.at == 0) return false;
      if (slot.hash == hash && (slot.at & 0xff) == size && same(at + (slot.at >> 8), name, size)) return true;
    }
  }

  // The text ends with '.' and the constant's name, which is plain: behind a dot between labels, or behind
  // one that is a byte of a label (written "\."). In wire form both end alike, but for the byte in the place
  // of the dot.
  [[gnu::noinline]] static bool name_under(const Request& r, const Constant& c,
                                           const uint8_t* name) noexcept {
    if (r.name_bytes <= c.bytes) return false;
    const uint32_t place = r.name_bytes - c.bytes;
    const uint8_t* tail = r.name + place;
    if (!same(tail + 1, name + 1, c.bytes - 1)) return false;
    if (begins_label(r, place)) return tail[0] == name[0];
    return tail[0] == '.' && begins_label(r, place + 1u + name[0]);
  }

  [[gnu::noinline]] static bool name_begins(const Request& r, const Constant& c,
                                            const uint8_t* begin) noexcept {
    const uint32_t rest = c.bytes - c.extra;
    if (r.name_bytes < c.bytes + 2) return false;
    const uint8_t length = r.name[c.extra];
    return same(r.name, begin, c.extra) && length >= rest && length > 0 &&
           same(r.name + c.extra + 1, begin + c.extra, rest);
  }

  [[gnu::noinline]] static bool client_in(const Request& r, const uint8_t* at) noexcept {
    const auto* ranges = reinterpret_cast<const RangesHeader*>(at);
    const auto* v4 = reinterpret_cast<const uint32_t*>(at + sizeof *ranges);
    uint32_t address = 0;
    if (ipv4_of(r, address)) {
      // The first range that ends at the address or behind it.
      uint32_t low = 0;
      for (uint32_t high = ranges->v4; low < high;) {
        const uint32_t middle = low + (high - low) / 2;
        if (v4[2 * middle + 1] < address) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return low < ranges->v4 && v4[2 * low] <= address;
    }
    if (r.address_bytes != 16) return false;
    const auto* v6 = reinterpret_cast<const uint8_t*>(v4 + 2 * size_t{ranges->v4});
    uint32_t low = 0;
    for (uint32_t high = ranges->v6; low < high;) {
      const uint32_t middle = low + (high - low) / 2;
      if (std::memcmp(v6 + 32 * size_t{middle} + 16, r.address, 16) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < ranges->v6 && std::memcmp(v6 + 32 * size_t{low}, r.address, 16) <= 0;
  }

  static bool type_in(const Request& r, const Constant& c, const uint8_t* at) noexcept {
    const auto* ranges = reinterpret_cast<const uint16_t*>(at);
    const uint16_t type = r.type;
    for (uint32_t i = 0; i < c.extra; ++i) {
      if (type <= ranges[2 * i + 1]) return type >= ranges[2 * i];
    }
    return false;
  }

  static bool lists_all(const Request& r, const uint8_t* mask) noexcept {
    uint64_t missing = 0;
    for (size_t i = 0; i < 4; ++i) missing |= load8(mask + 8 * i) & ~(r.lists != nullptr ? r.lists[i] : 0);
    return missing == 0;
  }

  static bool lists_count(const Request& r, const uint8_t* counted) noexcept {
    int count = 0;
    for (size_t i = 0; i < 4 && r.lists != nullptr; ++i)
      count += __builtin_popcountll(load8(counted + 8 * i) & r.lists[i]);
    return in_span(counted + kMaxLists / 8, static_cast<uint32_t>(count));
  }

  static bool name_under_any(const Request& r, const uint8_t* names) noexcept {
    uint8_t name[kMaxName + 1];
    for (uint32_t from = 0; r.name[from] != 0; from += 1u + r.name[from]) {
      if (from > 0 && holds_name(names, r.name + from, r.name_bytes - from)) return true;
      // What follows a dot inside of the label is tried as a name as well, see name_under().
      const uint32_t end = from + 1 + r.name[from];
      for (uint32_t dot = from + 1; dot + 1 < end; ++dot) {
        if (r.name[dot] != '.') continue;
        const uint32_t size = r.name_bytes - dot;
        std::memcpy(name, r.name + dot, size);
        name[0] = static_cast<uint8_t>(end - dot - 1);
        if (holds_name(names, name, size)) return true;
      }
    }
    return false;
  }

  static bool on_text(const Instruction& it, const Constant& c, const uint8_t* at,
                      std::string_view text) noexcept {
    const std::string_view wanted(reinterpret_cast<const char*>(at), c.bytes);
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
        return in_span(at, static_cast<uint32_t>(text.size()));
      case Op::kDfa:
        return outcome(at, text) == it.arg >> kArgShift;
      default:
        return false;
    }
  }

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

  static uint8_t outcome(const uint8_t* at, std::string_view text) noexcept {
    const auto* dfa = reinterpret_cast<const DfaHeader*>(at);
    const uint8_t* classes = at + sizeof *dfa;
    const uint8_t* outcomes = classes + 256;
    const auto* next = reinterpret_cast<const uint16_t*>(outcomes + (dfa->states + 7) / 8 * 8);
    const uint32_t width = dfa->classes;
    uint32_t state = dfa->start;
    const auto* byte = reinterpret_cast<const uint8_t*>(text.data());
    const uint8_t* const end = byte + text.size();
    const auto step = [&] { state = next[state * width + classes[*byte++]]; };
    for (; end - byte >= 4;) {
      if ((outcomes[state] & kFinal) != 0) return outcomes[state] & kOutcomeMask;
      step();
      step();
      step();
      step();
    }
    while (byte < end) step();
    return outcomes[state] & kOutcomeMask;
  }
};

// With room for texts.
[[gnu::noinline]] static uint16_t run_on(const Programs& p, const Instruction* at,
                                         const Request& request) noexcept {
  Asked asked(request);
  while (at->op != static_cast<uint8_t>(Op::kReturn)) {
    at += ProgramRun::holds(p, request, *at, asked) ? at->on_true : at->on_false;
    at = ProgramRun::run(p, request, at);
  }
  return at->operand;
}

uint16_t Programs::execute(const Instruction* at, const Request& request) const noexcept {
  at = ProgramRun::run(*this, request, at);
  return at->op == static_cast<uint8_t>(Op::kReturn) ? at->operand : run_on(*this, at, request);
}

Programs::Outcome Programs::without_program(uint32_t entry) noexcept {
  if (entry == kUnplanned) return {};
  const Result result = (entry & kFallbackClient) != 0 ? Result::kFallbackClient : Result::kFallback;
  return {result, static_cast<uint16_t>(entry & kFallbackAction), 0};
}

std::string_view Programs::why(uint16_t terminal) const noexcept {
  if (terminal >= header_.terminals) return {};
  const Terminal& t = terminals_[terminal];
  return {reinterpret_cast<const char*>(pool_ + t.why), t.why_bytes};
}

}  // namespace nnoe::tables
