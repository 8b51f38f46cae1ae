// SPDX-License-Identifier: MPL-2.0
// Programs as they are for a name on no list, which nearly every name is: what can be known before a query
// comes is done when a generation is loaded. Tests on lists are passed over, a return has its verdict at
// hand, and where a program begins depends on the type that is asked for, which is often its first test.
// 32 bytes an instruction, and 256 KiB.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "shm/tables/actions.h"
#include "shm/tables/program.h"

namespace nnoe::tables {

class UnlistedPrograms {
 public:
  // Types with a beginning of their own make up nearly all queries; the others share one.
  static constexpr uint16_t kTypes[] = {0, 1, 28, 65, 12, 16, 15, 33};  // A, AAAA, HTTPS, PTR, TXT, MX, SRV

  // Throws std::bad_alloc. `programs` has to outlive it.
  UnlistedPrograms(const Programs& programs, const Actions& actions);

  // One line of a cache a role set.
  struct alignas(64) Begins {
    const Step* at[std::size(kTypes)];
  };
  const Begins* begins() const noexcept { return begins_.data(); }  // kMaxRoleSets

  // Where the program of a role set below kMaxRoleSets begins, a step of kNone when it has none. For
  // Programs::finish() without lists.
  static const Step* first(const Begins* begins, uint16_t role_set, uint16_t type) noexcept {
    return begins[role_set].at[type < kColumns.size() ? kColumns[type] : 0];
  }

 private:
  static constexpr auto kColumns = [] {
    std::array<uint8_t, 128> columns{};
    for (size_t i = 1; i < std::size(kTypes); ++i) columns[kTypes[i]] = static_cast<uint8_t>(i);
    return columns;
  }();

  std::vector<Step> code_;  // the last one is of kNone
  std::vector<Begins> begins_;
};

}  // namespace nnoe::tables
