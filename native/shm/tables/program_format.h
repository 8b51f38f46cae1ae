// SPDX-License-Identifier: MPL-2.0
// Every number of the programs section, once; TABLES.md describes it byte by byte. TypeScript, which writes
// this section, gets the numbers by generation (tools/gen/program.ts). The body is, without gaps:
// ProgramsHeader, `role_sets` entries of uint32_t, `programs` Programs, `instructions` Instructions,
// `constants` Constants, `terminals` Terminals, then the pool; every part begins at a multiple of 8, filled
// up with zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace nnoe::tables::program {

constexpr uint32_t kFormat = 1;

// --- limits, checked when the section is opened ---

constexpr uint32_t kMaxProgram = 16384;    // instructions of one program
constexpr uint32_t kMaxConstants = 65535;  // an instruction names one by 16 bits
constexpr uint32_t kMaxTerminals = 65535;
constexpr uint32_t kMaxText = 1016;          // bytes of a name's text: 254 bytes, each as \DDD at the most
constexpr uint32_t kMaxPattern = 64;         // bytes looked for by kContains; a longer one is a DFA
constexpr uint32_t kMaxDfaTable = 1u << 20;  // states x classes of one DFA
constexpr uint32_t kMaxWhy = 512;            // bytes of a terminal's text
// Steps on the longest way through one program. A step is about one byte looked at: an instruction counts
// kStepInstruction, one that goes through a text kMaxText, one that compares at every place four times that.
constexpr uint32_t kMaxSteps = 262144;
constexpr uint32_t kStepInstruction = 8;

// Entries of role sets: 0 is "no program (yet)", n is program n - 1. With kFallback the policy decision point
// is asked, by name and type, with kFallbackClient by client too; the low 16 bits are the action for as long
// as its answer is not there.
constexpr uint32_t kUnplanned = 0;
constexpr uint32_t kFallback = 0x80000000u;
constexpr uint32_t kFallbackClient = 0x40000000u;  // with kFallback
constexpr uint32_t kFallbackAction = 0xffff;

struct ProgramsHeader {
  uint32_t format;
  uint32_t role_sets;
  uint32_t programs;
  uint32_t instructions;
  uint32_t constants;
  uint32_t terminals;
  uint32_t pool_bytes;
  uint32_t lists;       // ids below this may be named by masks
  uint64_t planned_us;  // when the plans were made, since 1970; 0 = unknown
  uint64_t until_us;    // when they have to be made again, since 1970; 0 = never
  uint64_t basis;       // of fallbacks: an answer counts for programs of the same number; 0: nobody is asked
  uint32_t zero[2];
};
static_assert(sizeof(ProgramsHeader) == 64);

struct Program {
  uint32_t first;  // instruction
  uint32_t count;
};

// Goes to this + on_true or this + on_false; both are at least 1 and stay inside the program, so a program
// runs every instruction at most once.
struct Instruction {
  uint8_t op;
  uint8_t arg;
  uint16_t on_true;
  uint16_t on_false;
  uint16_t operand;  // a constant, unless said otherwise
};
static_assert(sizeof(Instruction) == 8);

// What a test asks. `text` is the one that arg's low bits choose (Text).
enum class Op : uint8_t {
  kReturn = 0,         // operand: a terminal; ends the program
  kNameIs = 1,         // the name is this one (kName)
  kNameIn = 2,         // the name is one of these (kNames)
  kNameUnder = 3,      // the name's text ends with '.' and this name's text (kName, and behind it kText)
  kPrefix = 4,         // text begins with (kText)
  kSuffix = 5,         // text ends with (kText)
  kContains = 6,       // text contains (kText, at most kMaxPattern bytes)
  kOrder = 7,          // text, compared byte by byte with (kText), is as arg's Order says
  kSize = 8,           // text's bytes lie in (kSpan)
  kDfa = 9,            // text leads to a state whose outcome is arg's (kDfa)
  kTypeIs = 10,        // operand: the type's number
  kTypeIn = 11,        // the type lies in (kTypes)
  kClientIn = 12,      // the address lies in (kRanges)
  kListsAny = 13,      // the name is on at least one of (kMask)
  kListsAll = 14,      // the name is on all of (kMask)
  kListsCount = 15,    // how many of (kCount)'s lists the name is on lies in its span
  kNameUnderAny = 16,  // as kNameUnder, for one of (kNames)
  kNameBegins = 17,    // the name's text begins with (kBegin)
  kListIs = 18,        // operand: the number of a list that the name is on
};
constexpr uint8_t kOps = 19;

// Low bits of `arg`.
enum class Text : uint8_t { kName = 0, kClient = 1 };
constexpr uint8_t kTextMask = 1;
// High bits of `arg` for kOrder.
enum class Order : uint8_t { kLess = 0, kLessEqual = 1, kGreater = 2, kGreaterEqual = 3 };
constexpr uint8_t kArgShift = 4;
// High bits of `arg` for kDfa, and what a state says (low bits of its byte).
enum class Outcome : uint8_t { kFalse = 0, kTrue = 1, kError = 2 };
constexpr uint8_t kOutcomeMask = 3;
constexpr uint8_t kFinal = 0x80;  // no byte leads out of this state

enum class Kind : uint8_t {
  kText = 0,   // bytes
  kName = 1,   // lower-case wire form with the root label; `extra`: its labels
  kNames = 2,  // NamesHeader, then `slots` of Slot, then names in wire form
  kDfa =
      3,  // DfaHeader, 256 classes, an outcome for each state (filled up to 8), states x classes of uint16_t
  kMask = 4,   // 32 bytes: list ids
  kTypes = 5,  // pairs of uint16_t, first and last, rising; `extra`: how many pairs
  kRanges =
      6,  // RangesHeader, v4 pairs of uint32_t in host order, v6 pairs of 16 bytes, first and last, rising
  kSpan = 7,   // uint32_t least, most
  kCount = 8,  // 32 bytes of list ids, uint32_t least, most
  kBegin = 9,  // labels in wire form, then bytes that the next one begins with; `extra`: bytes of the former
};
constexpr uint8_t kKinds = 10;

struct Constant {
  uint8_t kind;
  uint8_t zero[3];
  uint32_t offset;  // in the pool, a multiple of 8
  uint32_t bytes;
  uint32_t extra;
};
static_assert(sizeof(Constant) == 16);

struct Terminal {
  uint16_t action;
  uint16_t zero;
  uint32_t why;  // offset in the pool: which role and which of its conditions
  uint32_t why_bytes;
  uint32_t zero2;
};
static_assert(sizeof(Terminal) == 16);

// Open addressing, linear probing; a power of two of slots, at least one of them empty.
struct NamesHeader {
  uint32_t slots;
  uint32_t count;
  uint32_t longest;  // slots looked at, at the most, before a name is known to be absent
  uint32_t zero;
  uint8_t sizes[32];  // bit s: a name of s bytes is in the set
};
static_assert(sizeof(NamesHeader) == 48);
struct Slot {
  uint32_t hash;
  uint32_t at;  // offset from the constant's begin << 8 | bytes of the name; 0 = empty
};

struct DfaHeader {
  uint16_t states;
  uint16_t classes;
  uint16_t start;
  uint16_t zero;
};

struct RangesHeader {
  uint32_t v4;
  uint32_t v6;
};

static_assert(std::is_trivially_copyable_v<ProgramsHeader> && std::is_trivially_copyable_v<NamesHeader>);

// Hash of a name in wire form: 32-bit arithmetic alone, so that JavaScript computes it too.
inline uint32_t name_hash(const uint8_t* name, size_t size) noexcept {
  uint32_t hash = static_cast<uint32_t>(size) * 0x9e3779b1u;
  size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    uint32_t word;
    std::memcpy(&word, name + i, sizeof word);
    hash = (hash ^ word) * 0x85ebca6bu;
    hash ^= hash >> 15;
  }
  for (; i < size; ++i) hash = (hash ^ name[i]) * 0x01000193u;
  return hash ^ (hash >> 13);
}

}  // namespace nnoe::tables::program
