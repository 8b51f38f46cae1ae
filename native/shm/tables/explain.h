// SPDX-License-Identifier: MPL-2.0
// Why a verdict is what it is: what decide.h did, with the names of everything that it met. For people; slow.
#pragma once

#include <string>
#include <vector>

#include "shm/tables/decide.h"

namespace nnoe::tables {

struct Explanation {
  Verdict verdict{};  // without an action when its reason leaves it to `fail` or `on_miss`
  std::vector<std::string> roles;

  // The mapping that gave the role set.
  bool mapped = false;  // false: none, so it is the default
  uint8_t length = 0;   // of the prefix, in bits of the client's family

  // The lists that the name is on, from the top of the tree down.
  struct Level {
    std::string name;  // the listed name as text, "" for the root
    std::vector<std::string> lists;
    bool delta = false;  // changed since the base was built
  };
  std::vector<Level> levels;
  std::string list;  // the one that decided, or that allowed; empty: none
  std::string rule;  // what in the policies decided; empty: nothing
  std::string name;  // as policies see it
};

Explanation explain(const Generation& tables, const Question& question);

}  // namespace nnoe::tables
