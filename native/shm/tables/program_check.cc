// SPDX-License-Identifier: MPL-2.0
// Opening the programs section: nothing that a run relies on is taken on trust. When every check here holds,
// no question can make a run read outside the body, run an instruction twice, or take more than kMaxSteps
// steps.
#include <algorithm>
#include <cstring>
#include <vector>

#include "shm/tables/program.h"

namespace nnoe::tables {

using namespace program;

class ProgramCheck {
 public:
  ProgramCheck(Body body, const Limits& limits, Programs& out, std::string& why)
      : body_(body), limits_(limits), p_(out), why_(why) {}

  bool run() { return parts() && constants() && terminals() && programs() && roles(); }

 private:
  bool fail(std::string why) {
    why_ = std::move(why);
    return false;
  }
  static std::string number(size_t value) { return std::to_string(value); }

  // Takes `count` pieces of `bytes` each, filled up to 8, from what is left of the body.
  template <class T>
  bool take(const T*& to, uint64_t count) {
    const uint64_t bytes = (count * sizeof(T) + 7) / 8 * 8;
    if (bytes > body_.size - at_) return false;
    to = reinterpret_cast<const T*>(body_.data + at_);
    at_ += bytes;
    return true;
  }

  bool parts() {
    ProgramsHeader& h = p_.header_;
    if (body_.size < sizeof h) return fail("it is shorter than its header");
    std::memcpy(&h, body_.data, sizeof h);
    at_ = sizeof h;
    if (h.format != kFormat) return fail("its programs are of format " + number(h.format) + ", not 1");
    if (h.role_sets > limits_.role_sets) return fail("it names role sets that the registry does not have");
    if (h.lists > limits_.lists || h.lists > kMaxLists)
      return fail("it names lists that the registry does not have");
    if (h.constants > kMaxConstants || h.terminals > kMaxTerminals) return fail("it has too many parts");
    if (!take(p_.roles_, h.role_sets) || !take(p_.programs_, h.programs) || !take(p_.code_, h.instructions) ||
        !take(p_.constants_, h.constants) || !take(p_.terminals_, h.terminals) ||
        !take(p_.pool_, h.pool_bytes) || at_ != body_.size)
      return fail("its size is not what its header says");
    return true;
  }

  bool constants() {
    for (uint32_t i = 0; i < p_.header_.constants; ++i) {
      const Constant& c = p_.constants_[i];
      if (c.offset % 8 != 0 || c.offset > p_.header_.pool_bytes || c.bytes > p_.header_.pool_bytes - c.offset)
        return fail("constant " + number(i) + " lies outside the pool");
      if (!constant(c)) return fail("constant " + number(i) + " is damaged");
    }
    return true;
  }

  bool constant(const Constant& c) const {
    const uint8_t* data = p_.pool_ + c.offset;
    switch (static_cast<Kind>(c.kind)) {
      case Kind::kText:
        return c.bytes <= kMaxText;
      case Kind::kName:
        return c.bytes > 0 && c.bytes <= kMaxName && c.extra <= kMaxLabels;
      case Kind::kBegin:
        return c.extra <= c.bytes && c.bytes <= kMaxName;
      case Kind::kNames:
        return names(data, c.bytes);
      case Kind::kDfa:
        return dfa(data, c.bytes);
      case Kind::kMask:
        return c.bytes == kMaxLists / 8 && known_lists(data);
      case Kind::kTypes:
        return c.bytes == uint64_t{c.extra} * 4 && c.extra <= 32768;
      case Kind::kRanges:
        return ranges(data, c.bytes);
      case Kind::kSpan:
        return c.bytes == 8;
      case Kind::kCount:
        return c.bytes == kMaxLists / 8 + 8 && known_lists(data);
      default:
        return false;
    }
  }

  bool known_lists(const uint8_t* mask) const {
    for (uint32_t id = p_.header_.lists; id < kMaxLists; ++id) {
      if ((mask[id / 8] & 1u << id % 8) != 0) return false;
    }
    return true;
  }

  static bool names(const uint8_t* data, uint32_t bytes) {
    NamesHeader h;
    if (bytes < sizeof h) return false;
    std::memcpy(&h, data, sizeof h);
    const uint64_t begin = sizeof h + uint64_t{h.slots} * sizeof(Slot);
    if (h.slots == 0 || (h.slots & (h.slots - 1)) != 0 || begin > bytes) return false;
    const auto* slots = reinterpret_cast<const Slot*>(data + sizeof h);
    uint32_t run = 0;
    uint32_t longest = 0;
    uint32_t count = 0;
    // Twice around, so that a run over the end is seen whole.
    for (uint32_t i = 0; i < 2 * h.slots && run <= h.slots; ++i) {
      const Slot& slot = slots[i & (h.slots - 1)];
      run = slot.at == 0 ? 0 : run + 1;
      longest = std::max(longest, run);
      if (slot.at == 0 || i >= h.slots) continue;
      ++count;
      const uint32_t size = slot.at & 0xff;
      if ((slot.at >> 8) < begin || (slot.at >> 8) + size > bytes) return false;
    }
    // With an empty slot every search ends.
    return count < h.slots && count == h.count && longest < h.longest;
  }

  static bool dfa(const uint8_t* data, uint32_t bytes) {
    DfaHeader h;
    if (bytes < sizeof h + 256) return false;
    std::memcpy(&h, data, sizeof h);
    const uint64_t table = uint64_t{h.states} * h.classes;
    const uint64_t begin = sizeof h + 256 + (uint64_t{h.states} + 7) / 8 * 8;
    if (h.start >= h.states || h.classes == 0 || h.classes > 256 || table > kMaxDfaTable) return false;
    if (bytes != begin + table * 2) return false;
    const uint8_t* classes = data + sizeof h;
    for (int i = 0; i < 256; ++i) {
      if (classes[i] >= h.classes) return false;
    }
    const auto* next = reinterpret_cast<const uint16_t*>(data + begin);
    return std::all_of(next, next + table, [&h](uint16_t state) { return state < h.states; });
  }

  static bool ranges(const uint8_t* data, uint32_t bytes) {
    RangesHeader h;
    if (bytes < sizeof h) return false;
    std::memcpy(&h, data, sizeof h);
    return bytes == sizeof h + uint64_t{h.v4} * 8 + uint64_t{h.v6} * 32;
  }

  bool terminals() {
    for (uint32_t i = 0; i < p_.header_.terminals; ++i) {
      const Terminal& t = p_.terminals_[i];
      if (t.action >= limits_.actions)
        return fail("terminal " + number(i) + " names an action that there is not");
      if (t.why_bytes > kMaxWhy || t.why > p_.header_.pool_bytes ||
          t.why_bytes > p_.header_.pool_bytes - t.why)
        return fail("terminal " + number(i) + " lies outside the pool");
    }
    return true;
  }

  bool programs() {
    for (uint32_t i = 0; i < p_.header_.programs; ++i) {
      const Program& program = p_.programs_[i];
      if (program.count == 0 || program.count > kMaxProgram || program.first > p_.header_.instructions ||
          program.count > p_.header_.instructions - program.first)
        return fail("program " + number(i) + " lies outside the code");
      if (!program_ends(program, i)) return false;
    }
    return true;
  }

  // From the end, because jumps go forward: `steps[i]` is the longest way from instruction i.
  bool program_ends(const Program& program, uint32_t number_of) {
    steps_.assign(program.count, 0);
    for (uint32_t i = program.count; i-- > 0;) {
      const Instruction& it = p_.code_[program.first + i];
      const std::string where = "instruction " + number(i) + " of program " + number(number_of);
      uint64_t steps = 0;
      if (!instruction(it, steps)) return fail(where + " does not fit its operand");
      if (static_cast<Op>(it.op) != Op::kReturn) {
        if (it.on_true == 0 || it.on_false == 0 || it.on_true >= program.count - i ||
            it.on_false >= program.count - i)
          return fail(where + " leads out of the program");
        steps += std::max(steps_[i + it.on_true], steps_[i + it.on_false]);
      }
      steps_[i] = steps + kStepInstruction;
      if (steps_[i] > kMaxSteps) return fail("program " + number(number_of) + " may take too long");
    }
    return true;
  }

  bool is(uint32_t operand, Kind kind) const {
    return operand < p_.header_.constants && p_.constants_[operand].kind == static_cast<uint8_t>(kind);
  }
  bool is_text(uint32_t operand, uint32_t most) const {
    return is(operand, Kind::kText) && p_.constants_[operand].bytes <= most;
  }
  // Slots that one search looks at, each with a comparison.
  uint64_t search(uint32_t operand) const {
    NamesHeader h;
    std::memcpy(&h, p_.pool_ + p_.constants_[operand].offset, sizeof h);
    return kMaxName + uint64_t{h.longest} * kStepInstruction;
  }

  bool instruction(const Instruction& it, uint64_t& steps) const {
    const uint32_t operand = it.operand;
    switch (static_cast<Op>(it.op)) {
      case Op::kReturn:
        return operand < p_.header_.terminals;
      case Op::kNameIs:
        return is(operand, Kind::kName);
      case Op::kNameIn:
        if (!is(operand, Kind::kNames)) return false;
        steps = search(operand);
        return true;
      case Op::kNameUnder:
        return is(operand, Kind::kName) && p_.constants_[operand].extra > 0;
      case Op::kNameUnderAny:
        if (!is(operand, Kind::kNames)) return false;
        steps = search(operand) * (kMaxName / 2);
        return true;
      case Op::kNameBegins:
        return is(operand, Kind::kBegin);
      case Op::kTypeIs:
        return true;
      case Op::kListIs:
        return operand < p_.header_.lists;
      case Op::kTypeIn:
        if (!is(operand, Kind::kTypes)) return false;
        steps = p_.constants_[operand].extra;
        return true;
      case Op::kClientIn:
        return is(operand, Kind::kRanges);
      case Op::kListsAny:
      case Op::kListsAll:
        return is(operand, Kind::kMask);
      case Op::kListsCount:
        return is(operand, Kind::kCount);
      default:
        return text_instruction(it, steps);
    }
  }

  bool text_instruction(const Instruction& it, uint64_t& steps) const {
    const uint32_t operand = it.operand;
    steps = kMaxText;
    switch (static_cast<Op>(it.op)) {
      case Op::kPrefix:
      case Op::kSuffix:
      case Op::kOrder:
        return is_text(operand, kMaxText);
      case Op::kContains:
        steps = 4 * kMaxText;
        return is_text(operand, kMaxPattern);
      case Op::kSize:
        steps = 0;
        return is(operand, Kind::kSpan);
      case Op::kDfa:
        return is(operand, Kind::kDfa);
      default:
        return false;
    }
  }

  bool roles() {
    for (uint32_t i = 0; i < p_.header_.role_sets; ++i) {
      const uint32_t entry = p_.roles_[i];
      if ((entry & kFallback) != 0) {
        const uint32_t others = entry & ~(kFallback | kFallbackClient | kFallbackAction);
        if (others == 0 && (entry & kFallbackAction) < limits_.actions) continue;
        return fail("role set " + number(i) + " has a fallback to an action that there is not");
      }
      if (entry <= p_.header_.programs) continue;
      return fail("role set " + number(i) + " has a program that there is not");
    }
    return true;
  }

  const Body body_;
  const Limits limits_;
  Programs& p_;
  std::string& why_;
  uint64_t at_ = 0;
  std::vector<uint64_t> steps_;
};

bool Programs::open(Body body, const Limits& limits, Programs& out, std::string& why) {
  Programs opened;
  if (!ProgramCheck(body, limits, opened, why).run()) return false;
  opened.make_steps();
  out = std::move(opened);
  return true;
}

}  // namespace nnoe::tables
