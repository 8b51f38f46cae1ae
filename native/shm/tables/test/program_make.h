// SPDX-License-Identifier: MPL-2.0
// Lays out programs sections for tests; the real ones are written by src/plugins/policies.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "shm/tables/program.h"

namespace nnoe::tables::test {

using program::Instruction;
using program::Kind;
using program::Op;

// Bytes as Body wants them: aligned, with slack behind.
class Aligned {
 public:
  explicit Aligned(const std::vector<uint8_t>& bytes)
      : size_(bytes.size()), bytes_(bytes.size() + kBodyAlign + kBodySlack) {
    if (size_ > 0) std::memcpy(begin(), bytes.data(), size_);
  }
  Body body() { return {begin(), size_}; }

 private:
  uint8_t* begin() {
    const auto at = reinterpret_cast<uintptr_t>(bytes_.data());
    return bytes_.data() + (kBodyAlign - at % kBodyAlign) % kBodyAlign;
  }
  size_t size_;
  std::vector<uint8_t> bytes_;
};

// "www.example" -> \3www\7example\0; a backslash stands before a byte that is taken as it is.
inline std::string wire(const std::string& text) {
  std::string made;
  std::string label;
  const auto end_label = [&] {
    made += static_cast<char>(label.size());
    made += label;
    label.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      label += text[++i];
    } else if (text[i] == '.') {
      end_label();
    } else {
      label += text[i];
    }
  }
  if (!label.empty()) end_label();
  return made + std::string(1, '\0');
}

class Maker {
 public:
  std::vector<uint32_t> roles;
  std::vector<program::Program> programs;
  std::vector<Instruction> code;
  std::vector<program::Constant> constants;
  std::vector<program::Terminal> terminals;
  std::string pool;
  uint32_t lists = 4;
  uint64_t basis = 0;

  uint16_t constant(Kind kind, const std::string& bytes, uint32_t extra = 0) {
    const auto offset = static_cast<uint32_t>(pool.size());
    pool += bytes;
    pool.resize((pool.size() + 7) / 8 * 8);
    constants.push_back({static_cast<uint8_t>(kind), {}, offset, static_cast<uint32_t>(bytes.size()), extra});
    return static_cast<uint16_t>(constants.size() - 1);
  }
  uint16_t text(const std::string& bytes) { return constant(Kind::kText, bytes); }
  uint16_t name(const std::string& text) {
    uint32_t labels = 0;
    const std::string bytes = wire(text);
    for (size_t i = 0; bytes[i] != 0; i += 1u + static_cast<uint8_t>(bytes[i])) ++labels;
    return constant(Kind::kName, bytes, labels);
  }
  // `text` is labels and what the next one begins with: "www.ex".
  uint16_t begin(const std::string& text) {
    const size_t dot = text.rfind('.');
    std::string labels = dot == std::string::npos ? "" : wire(text.substr(0, dot));
    if (!labels.empty()) labels.pop_back();
    const auto extra = static_cast<uint32_t>(labels.size());
    return constant(Kind::kBegin, labels + text.substr(dot == std::string::npos ? 0 : dot + 1), extra);
  }
  uint16_t names(const std::vector<std::string>& texts) {
    program::NamesHeader header{};
    header.slots = 4;
    while (header.slots < 2 * texts.size()) header.slots *= 2;
    header.count = static_cast<uint32_t>(texts.size());
    header.longest = header.count + 1;
    std::vector<program::Slot> slots(header.slots);
    std::string bytes;
    for (const std::string& each : texts) {
      const std::string w = wire(each);
      const uint32_t hash = program::name_hash(reinterpret_cast<const uint8_t*>(w.data()), w.size());
      uint32_t i = hash & (header.slots - 1);
      while (slots[i].at != 0) i = (i + 1) & (header.slots - 1);
      const size_t at = sizeof header + slots.size() * sizeof(program::Slot) + bytes.size();
      slots[i] = {hash, static_cast<uint32_t>(at << 8 | w.size())};
      header.sizes[w.size() / 8] = static_cast<uint8_t>(header.sizes[w.size() / 8] | 1u << w.size() % 8);
      bytes += w;
    }
    std::string made(reinterpret_cast<const char*>(&header), sizeof header);
    made.append(reinterpret_cast<const char*>(slots.data()), slots.size() * sizeof(program::Slot));
    return constant(Kind::kNames, made + bytes);
  }
  template <class T>
  uint16_t numbers(Kind kind, const std::vector<T>& values, uint32_t extra = 0) {
    return constant(kind, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)}, extra);
  }

  // A program for the next role set: `test`, then action 1 when it holds, else action 2.
  void when(Op test, uint16_t operand, unsigned arg = 0) {
    while (terminals.size() < 3) terminals.push_back({static_cast<uint16_t>(terminals.size()), 0, 0, 0, 0});
    programs.push_back({static_cast<uint32_t>(code.size()), 3});
    code.push_back({static_cast<uint8_t>(test), static_cast<uint8_t>(arg), 1, 2, operand});
    code.push_back({0, 0, 0, 0, 1});
    code.push_back({0, 0, 0, 0, 2});
    roles.push_back(static_cast<uint32_t>(programs.size()));
  }

  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> made;
    program::ProgramsHeader h{};
    h.format = program::kFormat;
    h.role_sets = static_cast<uint32_t>(roles.size());
    h.programs = static_cast<uint32_t>(programs.size());
    h.instructions = static_cast<uint32_t>(code.size());
    h.constants = static_cast<uint32_t>(constants.size());
    h.terminals = static_cast<uint32_t>(terminals.size());
    h.pool_bytes = static_cast<uint32_t>(pool.size());
    h.lists = lists;
    h.basis = basis;
    put(made, &h, sizeof h);
    put(made, roles.data(), roles.size() * 4);
    put(made, programs.data(), programs.size() * sizeof(program::Program));
    put(made, code.data(), code.size() * sizeof(Instruction));
    put(made, constants.data(), constants.size() * sizeof(program::Constant));
    put(made, terminals.data(), terminals.size() * sizeof(program::Terminal));
    put(made, pool.data(), pool.size());
    return made;
  }

 private:
  static void put(std::vector<uint8_t>& to, const void* from, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(from);
    to.insert(to.end(), bytes, bytes + size);
    to.resize((to.size() + 7) / 8 * 8);
  }
};

}  // namespace nnoe::tables::test
