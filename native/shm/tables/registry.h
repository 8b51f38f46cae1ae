// SPDX-License-Identifier: MPL-2.0
// What the numbers of role sets and lists stand for. Append-only over the life of a tables directory, so that
// sections of different generations never disagree about a number; role set 0 alone (the default) may change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shm/tables/bytes.h"
#include "shm/tables/layout.h"

namespace nnoe::tables {

constexpr size_t kMaxText = 255;  // bytes of the name of a role or list; at least 1, no control characters
constexpr size_t kMaxRoles = 64;  // roles in one set

// First bytes of the body; then `role_sets + 1` numbers of first roles, then `roles + lists + 1` offsets of
// names (roles first) into the text, then the text.
struct RegistryHeader {
  uint32_t role_sets;
  uint32_t lists;
  uint32_t roles;  // of all sets together
  uint32_t text;   // bytes
};
static_assert(sizeof(RegistryHeader) == 16);

class Registry {
 public:
  // Of `limits` nothing is looked at: this section makes them.
  static bool open(Body body, const Limits& limits, Registry& out, std::string& why);

  uint32_t role_sets() const noexcept { return role_sets_; }
  uint32_t lists() const noexcept { return lists_; }
  // Names in ascending byte order; empty for a number that is not in use. Views into the body.
  std::vector<std::string_view> roles(uint32_t role_set) const;
  std::string_view list(uint32_t number) const noexcept;

 private:
  std::string_view text(uint32_t number) const noexcept;

  uint32_t role_sets_ = 0;
  uint32_t lists_ = 0;
  uint32_t roles_ = 0;
  const uint32_t* first_ = nullptr;
  const uint32_t* offsets_ = nullptr;
  const char* text_ = nullptr;
};

// Gives out numbers. One thread. Begins with role set 0 = {"default"}, or with what a registry on disk says.
class RegistryBuilder {
 public:
  RegistryBuilder();
  explicit RegistryBuilder(const Registry& published);

  // Number of a role set, a new one if need be, never 0; kAbsent with the reason in `why` when `roles` is
  // empty, has a bad name or too many, or when kMaxRoleSets are in use. Order and repetitions do not matter.
  uint16_t role_set(std::vector<std::string> roles, std::string& why);
  // What clients without a mapping are.
  bool set_default(std::vector<std::string> roles, std::string& why);
  // Number of a list, likewise.
  uint16_t list(const std::string& name, std::string& why);

  uint32_t role_sets() const noexcept { return static_cast<uint32_t>(sets_.size()); }
  uint32_t lists() const noexcept { return static_cast<uint32_t>(lists_.size()); }
  Bytes build() const;

 private:
  using Roles = std::vector<std::string>;

  std::vector<Roles> sets_;
  std::vector<std::string> lists_;
  std::map<Roles, uint16_t> set_numbers_;
  std::map<std::string, uint16_t> list_numbers_;
};

}  // namespace nnoe::tables
