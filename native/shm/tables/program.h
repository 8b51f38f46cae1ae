// SPDX-License-Identifier: MPL-2.0
// What a role set may ask: programs compiled from policies (section kPrograms). A program is a loop-free tree
// of tests on the question that ends in an action. Running one allocates nothing, takes no lock, and takes at
// most program::kMaxSteps steps, whatever the name; open() refuses a section in which one could take longer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shm/tables/layout.h"
#include "shm/tables/program_format.h"
#include "shm/tables/verdict.h"

namespace nnoe::tables {

// The question, as a program sees it.
struct Request {
  // The name in wire form, lower case, well-formed, with its root label. kBodySlack more bytes are readable
  // behind it.
  const uint8_t* name = nullptr;
  uint32_t name_bytes = 0;
  uint32_t address_bytes = 0;        // 4 or 16; IPv4 in IPv6 (::ffff:0:0/96) counts as IPv4
  const uint8_t* address = nullptr;  // network order
  // 256 bits: the lists that the name is on; null is none.
  const uint64_t* lists = nullptr;
  uint16_t type = 0;
};

// An instruction as it is run, made when the section is opened: what it needs of its constant stands in it.
struct Step {
  enum class Run : uint8_t { kReturn, kText, kTypeIs, kTypeIn, kUnder, kListIs, kListsAny, kOther, kNone };

  struct Constant {
    const uint8_t* data;
    uint64_t tail;  // of kUnder: the name's last 8 bytes
  };

  Run run;           // kNone: among unlisted steps, in the place of a program that there is not
  uint16_t operand;  // of kReturn: the terminal
  uint32_t value;    // of kReturn: the action; of kUnder: bytes of a name; else number of the instruction
  uint32_t on_true;  // bytes ahead
  uint32_t on_false;
  union {
    uint64_t types[2];  // of kTypeIn: a bit for each of the first 128
    Constant constant;
    PackedVerdict verdict;  // of kReturn, among unlisted steps: all but the role set
  };

  const Step* next(bool holds) const noexcept {
    return reinterpret_cast<const Step*>(reinterpret_cast<const char*>(this) + (holds ? on_true : on_false));
  }
};
static_assert(sizeof(Step) == 32);

class Programs {
 public:
  enum class Result : uint8_t {
    kAction,          // `action`, because of `terminal`
    kUnplanned,       // this role set has no program (yet)
    kFallback,        // to be asked of the policy decision point, by name and type
    kFallbackClient,  // the same, by client, name and type
  };
  struct Outcome {
    Result result = Result::kUnplanned;
    uint16_t action = 0;    // of a fallback: until its answer is there
    uint16_t terminal = 0;  // of kAction, for why()
  };

  // Checks everything that run() relies on. `why` is one clause. `out` points into `body`, which has to
  // outlive it.
  static bool open(Body body, const Limits& limits, Programs& out, std::string& why);

  Outcome run(uint16_t role_set, const Request& request) const noexcept;

  // The same in the parts that a query takes them in. Where a role set's program begins; null when it has
  // none, and without_program() says what then. `role_set` is below kMaxRoleSets.
  const Step* first(uint16_t role_set) const noexcept { return first_[role_set]; }
  Outcome without_program(uint16_t role_set) const noexcept;
  // From `at` on to the step that returns. Name, type and lists are those of the request that `request` makes
  // when a test asks for the whole of it.
  template <class Make>
  const Step* finish(const Step* at, const uint8_t* name, uint32_t name_bytes, uint32_t type,
                     const uint64_t* lists, Make&& request) const noexcept;
  // From `at` on past domains that the name is clearly not below. 8 bytes before the name can be read.
  static const Step* pass_domains(const Step* at, const uint8_t* name, uint32_t name_bytes) noexcept;
  // finish(), by a call.
  const Step* finish_request(const Step* at, const Request& request) const noexcept;

  // What led to a terminal of this section, for people; ASCII or UTF-8, at most program::kMaxWhy bytes.
  std::string_view why(uint16_t terminal) const noexcept;

  // When the plans were made and when they have to be made again, us since 1970; 0 = unknown, never.
  uint64_t planned_us() const noexcept { return header_.planned_us; }
  uint64_t until_us() const noexcept { return header_.until_us; }
  const program::ProgramsHeader& header() const noexcept { return header_; }

 private:
  friend class ProgramCheck;
  friend class UnlistedPrograms;
  struct Steps {
    std::vector<Step> code;          // as many as there are instructions
    std::vector<const Step*> first;  // kMaxRoleSets
  };

  void make_steps();
  Step step_of(const program::Instruction& instruction) const noexcept;
  template <bool kStop, class Make>
  const Step* advance(const Step* at, const uint8_t* name, uint32_t name_bytes, uint32_t type,
                      const uint64_t* lists, Make&& request) const noexcept;
  // One that looks at nothing but lists: what it says of a name on none.
  bool is_on_lists(const Step& step) const noexcept;
  bool holds_unlisted(const Step& step) const noexcept;
  // A test that advance() does not do itself, and needs no text.
  bool holds(const Step& step, const Request& request) const noexcept;
  // Goes on to a return from a test that needs one.
  const Step* finish_texts(const Step* at, const Request& request) const noexcept;
  // Of the instruction that a step was made of.
  struct Part {
    const program::Instruction& instruction;
    const program::Constant& constant;
    const uint8_t* data;
  };
  Part part(const Step& step) const noexcept;

  program::ProgramsHeader header_{};
  const uint32_t* roles_ = nullptr;
  const program::Program* programs_ = nullptr;
  const program::Instruction* code_ = nullptr;
  const program::Constant* constants_ = nullptr;
  const program::Terminal* terminals_ = nullptr;
  const uint8_t* pool_ = nullptr;
  std::shared_ptr<const Steps> steps_;
  const Step* const* first_ = nullptr;  // of steps_
};

// Most bytes that the two texts below have.
constexpr size_t kNameTextBytes = program::kMaxText;
constexpr size_t kClientTextBytes = 45;

// R.attr.qname: the name in presentation format, without its final dot; the root is empty. Bytes outside
// 0x21..0x7e are \DDD, and a backslash stands before " $ ( ) . ; @ and \ . `name` as in Request; `text` has
// room for kNameTextBytes + kBodySlack. Returns the text's size.
size_t name_text(const uint8_t* name, size_t name_bytes, char* text) noexcept;

// R.attr.client: dotted decimal, or RFC 5952. Returns the text's size; 0 unless there are 4 or 16 bytes.
size_t client_text(const uint8_t* address, size_t address_bytes, char* text) noexcept;

}  // namespace nnoe::tables

#include "shm/tables/program_run.h"
