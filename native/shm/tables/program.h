// SPDX-License-Identifier: MPL-2.0
// What a role set may ask: programs compiled from policies (section kPrograms). A program is a loop-free tree
// of tests on the question that ends in an action. Running one allocates nothing, takes no lock, and takes at
// most program::kMaxSteps steps, whatever the name; open() refuses a section in which one could take longer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shm/tables/layout.h"
#include "shm/tables/program_format.h"

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

  Outcome run(uint16_t role_set, const Request& request) const noexcept {
    if (role_set >= header_.role_sets) return {};
    const uint32_t entry = roles_[role_set];
    if (static_cast<int32_t>(entry) <= 0) return without_program(entry);
    const uint16_t terminal = execute(code_ + programs_[entry - 1].first, request);
    return {Result::kAction, terminals_[terminal].action, terminal};
  }

  // What led to a terminal of this section, for people; ASCII or UTF-8, at most program::kMaxWhy bytes.
  std::string_view why(uint16_t terminal) const noexcept;

  // When the plans were made and when they have to be made again, us since 1970; 0 = unknown, never.
  uint64_t planned_us() const noexcept { return header_.planned_us; }
  uint64_t until_us() const noexcept { return header_.until_us; }
  const program::ProgramsHeader& header() const noexcept { return header_; }

 private:
  friend class ProgramCheck;
  friend class ProgramRun;
  // Runs from this instruction on, to a terminal.
  uint16_t execute(const program::Instruction* at, const Request& request) const noexcept;
  static Outcome without_program(uint32_t entry) noexcept;

  program::ProgramsHeader header_{};
  const uint32_t* roles_ = nullptr;
  const program::Program* programs_ = nullptr;
  const program::Instruction* code_ = nullptr;
  const program::Constant* constants_ = nullptr;
  const program::Terminal* terminals_ = nullptr;
  const uint8_t* pool_ = nullptr;
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
