// SPDX-License-Identifier: MPL-2.0
// Programs as they are for a name on no list, which nearly every name is: what can be known before a query
// comes is done when a generation is loaded. Tests on lists are passed over, a return has its verdict at
// hand, and where a program begins depends on the type that is asked for, which is often its first test.
// 32 bytes an instruction, and 256 KiB.
#pragma once

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

  // What a query comes in by: found from one place, so that it needs no other.
  struct Entry {
    // One line of a cache a role set.
    struct alignas(64) Begins {
      const Step* at[std::size(kTypes)];
    };
    alignas(64) uint8_t columns[128];  // by type: the place in kTypes, 0 for others
    Begins begins[kMaxRoleSets];
  };
  const Entry* entry() const noexcept { return entry_.get(); }

  // Where the program of a role set below kMaxRoleSets begins, a step of kNone when it has none. For
  // Programs::finish() without lists.
  static const Step* first(const Entry& entry, size_t role_set, size_t type) noexcept {
    return entry.begins[role_set].at[type < sizeof entry.columns ? entry.columns[type] : 0];
  }

 private:
  std::vector<Step> code_;  // the last one is of kNone
  std::unique_ptr<Entry> entry_;
};

}  // namespace nnoe::tables
