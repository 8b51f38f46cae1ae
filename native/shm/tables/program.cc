// SPDX-License-Identifier: MPL-2.0
// What runs of programs call, and the form that they run in. Everything that is read of the section was
// checked by open(): no index is looked at here.
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

// Whether a label begins at `place`.
bool begins_label(const uint8_t* name, uint32_t place) noexcept {
  uint32_t at = 0;
  while (at < place && name[at] != 0) at += 1u + name[at];
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

// Tests by instruction, for those that are called.
class Tests {
 public:
  static bool holds(const Request& r, const Instruction& it, const Constant& c,
                    const uint8_t* data) noexcept {
    switch (static_cast<Op>(it.op)) {
      case Op::kNameIs:
        return r.name_bytes == c.bytes && same(r.name, data, c.bytes);
      case Op::kNameIn:
        return holds_name(data, r.name, r.name_bytes);
      case Op::kNameUnder:
        return name_under(r.name, r.name_bytes, data, c.bytes);
      case Op::kNameBegins:
        return name_begins(r, c, data);
      case Op::kClientIn:
        return client_in(r, data);
      case Op::kTypeIn:
        return type_in(r.type, c, data);
      case Op::kListsAll:
        return lists_all(r, data);
      case Op::kListsCount:
        return lists_count(r, data);
      default:
        return name_under_any(r, data);
    }
  }

  static bool holds_name(const uint8_t* at, const uint8_t* name, uint32_t size) noexcept {
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

  static bool name_begins(const Request& r, const Constant& c, const uint8_t* begin) noexcept {
    const uint32_t rest = c.bytes - c.extra;
    if (r.name_bytes < c.bytes + 2) return false;
    const uint8_t length = r.name[c.extra];
    return same(r.name, begin, c.extra) && length >= rest && length > 0 &&
           same(r.name + c.extra + 1, begin + c.extra, rest);
  }

  static bool client_in(const Request& r, const uint8_t* at) noexcept {
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

  static bool type_in(uint16_t type, const Constant& c, const uint8_t* at) noexcept {
    const auto* ranges = reinterpret_cast<const uint16_t*>(at);
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

  static bool is_on_text(Op op) noexcept {
    return op == Op::kPrefix || op == Op::kSuffix || op == Op::kContains || op == Op::kOrder ||
           op == Op::kSize || op == Op::kDfa;
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

}  // namespace

// In wire form two texts of which one ends with the other end alike: behind a dot between labels, or behind
// one that is a byte of a label (written "\."), but for the byte in the place of the dot.
bool program::name_under(const uint8_t* name, uint32_t name_bytes, const uint8_t* wanted,
                         uint32_t wanted_bytes) noexcept {
  if (name_bytes <= wanted_bytes) return false;
  const uint32_t place = name_bytes - wanted_bytes;
  const uint8_t* tail = name + place;
  if (!same(tail + 1, wanted + 1, wanted_bytes - 1)) return false;
  if (begins_label(name, place)) return tail[0] == wanted[0];
  return tail[0] == '.' && begins_label(name, place + 1u + wanted[0]);
}

bool program::lists_any(const uint64_t* lists, const uint8_t* mask) noexcept {
  return ((load8(mask) & lists[0]) | (load8(mask + 8) & lists[1]) | (load8(mask + 16) & lists[2]) |
          (load8(mask + 24) & lists[3])) != 0;
}

// Many instructions have no constant: their operand says something else.
Programs::Part Programs::part(const Step& step) const noexcept {
  const Instruction& instruction = code_[step.value];
  const Constant& constant = constants_[instruction.operand];
  return {instruction, constant, pool_ + constant.offset};
}

bool Programs::holds(const Step& step, const Request& request) const noexcept {
  const Part it = part(step);
  return Tests::holds(request, it.instruction, it.constant, it.data);
}

const Step* Programs::finish_request(const Step* at, const Request& request) const noexcept {
  const auto whole = [&request]() -> const Request& { return request; };
  return finish(at, request.name, request.name_bytes, request.type, request.lists, whole);
}

const Step* Programs::finish_texts(const Step* at, const Request& request) const noexcept {
  Asked asked(request);
  const auto whole = [&request]() -> const Request& { return request; };
  while (at->run != Step::Run::kReturn) {
    const Part it = part(*at);
    const auto text = asked.text(static_cast<Text>(it.instruction.arg & kTextMask));
    at = at->next(Tests::on_text(it.instruction, it.constant, it.data, text));
    at = advance<true>(at, request.name, request.name_bytes, request.type, request.lists, whole);
  }
  return at;
}

bool Programs::is_on_lists(const Step& step) const noexcept {
  if (step.run != Step::Run::kOther)
    return step.run == Step::Run::kListIs || step.run == Step::Run::kListsAny;
  const auto op = static_cast<Op>(code_[step.value].op);
  return op == Op::kListsAll || op == Op::kListsCount;
}

bool Programs::holds_unlisted(const Step& step) const noexcept {
  return step.run == Step::Run::kOther && holds(step, {});
}

Step Programs::step_of(const Instruction& instruction) const noexcept {
  using Run = Step::Run;
  Step step{Run::kOther,
            instruction.operand,
            static_cast<uint32_t>(&instruction - code_),
            instruction.on_true * uint32_t{sizeof(Step)},
            instruction.on_false * uint32_t{sizeof(Step)},
            {{0, 0}}};
  const auto op = static_cast<Op>(instruction.op);
  if (op == Op::kReturn) {
    step.run = Run::kReturn;
    step.value = terminals_[instruction.operand].action;
    return step;
  }
  if (op == Op::kTypeIs || op == Op::kListIs) {
    step.run = op == Op::kTypeIs ? Run::kTypeIs : Run::kListIs;
    return step;
  }
  const Constant& constant = constants_[instruction.operand];
  const uint8_t* data = pool_ + constant.offset;
  switch (op) {
    case Op::kTypeIn:
      step.run = Run::kTypeIn;
      for (uint16_t type = 0; type < 128; ++type)
        step.types[type / 64] |= uint64_t{Tests::type_in(type, constant, data)} << type % 64;
      break;
    case Op::kNameUnder:
      // Shorter ones have no last 8 bytes.
      if (constant.bytes < sizeof step.constant.tail) break;
      step.run = Run::kUnder;
      step.value = constant.bytes;
      step.constant = {data, last8(data + constant.bytes)};
      break;
    case Op::kListsAny:
      step.run = Run::kListsAny;
      step.constant = {data, 0};
      break;
    default:
      if (Tests::is_on_text(op)) step.run = Run::kText;
      break;
  }
  return step;
}

// Of what belongs to a program; nothing else was checked, or is reached.
void Programs::make_steps() {
  auto steps = std::make_shared<Steps>();
  steps->code.resize(header_.instructions);
  std::vector<bool> made(header_.instructions);
  for (uint32_t i = 0; i < header_.programs; ++i) {
    const uint32_t end = programs_[i].first + programs_[i].count;
    for (uint32_t at = programs_[i].first; at < end; ++at) {
      if (!made[at]) steps->code[at] = step_of(code_[at]);
      made[at] = true;
    }
  }
  steps->first.assign(kMaxRoleSets, nullptr);
  for (uint32_t i = 0; i < header_.role_sets; ++i)
    if (static_cast<int32_t>(roles_[i]) > 0)
      steps->first[i] = steps->code.data() + programs_[roles_[i] - 1].first;
  first_ = steps->first.data();
  steps_ = std::move(steps);
}

Programs::Outcome Programs::without_program(uint16_t role_set) const noexcept {
  if (role_set >= header_.role_sets || roles_[role_set] == kUnplanned) return {};
  const uint32_t entry = roles_[role_set];
  const Result result = (entry & kFallbackClient) != 0 ? Result::kFallbackClient : Result::kFallback;
  return {result, static_cast<uint16_t>(entry & kFallbackAction), 0};
}

std::string_view Programs::why(uint16_t terminal) const noexcept {
  if (terminal >= header_.terminals) return {};
  const Terminal& t = terminals_[terminal];
  return {reinterpret_cast<const char*>(pool_ + t.why), t.why_bytes};
}

}  // namespace nnoe::tables
