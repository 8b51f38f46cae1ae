// SPDX-License-Identifier: MPL-2.0
// What the tests of list files have in common: everything that a parser hands over, as text.
#pragma once

#include <string>
#include <vector>

#include "shm/tables/list_load.h"

namespace nnoe::tables::test {

using Texts = std::vector<std::string>;

// As one text, which doctest can show.
inline std::string words(const Texts& all) {
  std::string out;
  for (const std::string& each : all) out += each + ' ';
  return out;
}

// `name` exact, `*.name` with what is below it, `@` before an exception, `?` before what is to be converted.
class Collecting : public ListSink {
 public:
  void name(const uint8_t* wire, size_t size, Reach reach, Stance stance) override {
    said.push_back(mark(reach, stance) + name_text(wire, size));
  }
  void unicode(std::string_view text, Reach reach, Stance stance, uint64_t) override {
    said.push_back('?' + mark(reach, stance) + std::string(text));
  }
  Texts said;

 private:
  static std::string mark(Reach reach, Stance stance) {
    return std::string(stance == Stance::kException ? "@" : "") + (reach == Reach::kSubtree ? "*." : "");
  }
};

}  // namespace nnoe::tables::test
