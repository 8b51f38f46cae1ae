// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/registry.h"

#include <algorithm>
#include <cstring>

namespace nnoe::tables {
namespace {

bool is_name(std::string_view text) noexcept {
  const auto printable = [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != 0x7f; };
  return !text.empty() && text.size() <= kMaxText && std::all_of(text.begin(), text.end(), printable);
}

bool normal(std::vector<std::string>& roles, std::string& why) {
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  if (roles.empty() || roles.size() > kMaxRoles) {
    why = std::to_string(roles.size()) + " roles in one set, expected 1 to " + std::to_string(kMaxRoles);
    return false;
  }
  const auto bad = std::find_if(roles.begin(), roles.end(), [](const auto& role) { return !is_name(role); });
  if (bad == roles.end()) return true;
  why = "the role \"" + *bad + "\" is not 1 to " + std::to_string(kMaxText) + " printable bytes";
  return false;
}

template <class T>
void append(Bytes& bytes, const T* from, size_t count) {
  const auto* data = reinterpret_cast<const uint8_t*>(from);
  bytes.insert(bytes.end(), data, data + count * sizeof(T));
}

// `numbers` begin with 0, never fall and end with `last`.
bool rises(const uint32_t* numbers, size_t count, uint32_t last) noexcept {
  return numbers[0] == 0 && std::is_sorted(numbers, numbers + count) && numbers[count - 1] == last;
}

}  // namespace

bool Registry::open(Body body, const Limits& /*limits*/, Registry& out, std::string& why) {
  RegistryHeader header{};
  if (body.size < sizeof header) return why = "shorter than its header", false;
  std::memcpy(&header, body.data, sizeof header);
  if (header.role_sets == 0 || header.role_sets > kMaxRoleSets || header.lists > kMaxLists)
    return why = "more role sets or lists than are allowed, or none", false;
  if (header.roles > header.role_sets * kMaxRoles) return why = "too many roles", false;
  const size_t numbers = header.role_sets + 1 + header.roles + header.lists + 1;
  if (body.size != sizeof header + numbers * sizeof(uint32_t) + header.text)
    return why = "its size is not what its header says", false;
  Registry made;
  made.role_sets_ = header.role_sets;
  made.lists_ = header.lists;
  made.roles_ = header.roles;
  made.first_ = reinterpret_cast<const uint32_t*>(body.data + sizeof header);
  made.offsets_ = made.first_ + header.role_sets + 1;
  made.text_ = reinterpret_cast<const char*>(made.first_ + numbers);
  if (!rises(made.first_, header.role_sets + 1, header.roles) ||
      !rises(made.offsets_, header.roles + header.lists + 1, header.text))
    return why = "offsets out of order", false;
  for (uint32_t i = 0; i < header.roles + header.lists; ++i)
    if (!is_name(made.text(i))) return why = "a name that cannot be one", false;
  for (uint32_t set = 0; set < header.role_sets; ++set) {
    const auto roles = made.roles(set);
    if (roles.empty() ||
        std::adjacent_find(roles.begin(), roles.end(), std::greater_equal<>()) != roles.end())
      return why = "roles of a set are none, repeated or out of order", false;
  }
  out = made;
  return true;
}

std::string_view Registry::text(uint32_t number) const noexcept {
  return {text_ + offsets_[number], offsets_[number + 1] - offsets_[number]};
}

std::vector<std::string_view> Registry::roles(uint32_t role_set) const {
  std::vector<std::string_view> found;
  if (role_set >= role_sets_) return found;
  for (uint32_t i = first_[role_set]; i < first_[role_set + 1]; ++i) found.push_back(text(i));
  return found;
}

std::string_view Registry::list(uint32_t number) const noexcept {
  return number < lists_ ? text(roles_ + number) : std::string_view();
}

RegistryBuilder::RegistryBuilder() : sets_{{"default"}} {}

RegistryBuilder::RegistryBuilder(const Registry& published) {
  for (uint32_t i = 0; i < published.role_sets(); ++i) {
    const auto roles = published.roles(i);
    sets_.emplace_back(roles.begin(), roles.end());
    if (i != kDefaultRoleSet) set_numbers_.emplace(sets_.back(), static_cast<uint16_t>(i));
  }
  for (uint32_t i = 0; i < published.lists(); ++i) {
    lists_.emplace_back(published.list(i));
    list_numbers_.emplace(lists_.back(), static_cast<uint16_t>(i));
  }
}

uint16_t RegistryBuilder::role_set(std::vector<std::string> roles, std::string& why) {
  if (!normal(roles, why)) return kAbsent;
  const auto known = set_numbers_.find(roles);
  if (known != set_numbers_.end()) return known->second;
  if (sets_.size() >= kMaxRoleSets) {
    why = "all " + std::to_string(kMaxRoleSets) + " role sets of this tables directory are in use";
    return kAbsent;
  }
  const auto number = static_cast<uint16_t>(sets_.size());
  set_numbers_.emplace(roles, number);
  sets_.push_back(std::move(roles));
  return number;
}

bool RegistryBuilder::set_default(std::vector<std::string> roles, std::string& why) {
  if (!normal(roles, why)) return false;
  sets_[kDefaultRoleSet] = std::move(roles);
  return true;
}

uint16_t RegistryBuilder::list(const std::string& name, std::string& why) {
  const auto known = list_numbers_.find(name);
  if (known != list_numbers_.end()) return known->second;
  if (!is_name(name)) {
    why = "the list \"" + name + "\" is not 1 to " + std::to_string(kMaxText) + " printable bytes";
    return kAbsent;
  }
  if (lists_.size() >= kMaxLists) {
    why = "all " + std::to_string(kMaxLists) + " lists of this tables directory are in use";
    return kAbsent;
  }
  const auto number = static_cast<uint16_t>(lists_.size());
  list_numbers_.emplace(name, number);
  lists_.push_back(name);
  return number;
}

Bytes RegistryBuilder::build() const {
  std::vector<uint32_t> first{0};
  std::vector<uint32_t> offsets{0};
  std::string text;
  const auto add = [&](const std::string& name) {
    text += name;
    offsets.push_back(static_cast<uint32_t>(text.size()));
  };
  for (const Roles& roles : sets_) {
    for (const std::string& role : roles) add(role);
    first.push_back(first.back() + static_cast<uint32_t>(roles.size()));
  }
  for (const std::string& list : lists_) add(list);
  const RegistryHeader header{role_sets(), lists(), first.back(), static_cast<uint32_t>(text.size())};
  Bytes bytes;
  append(bytes, &header, 1);
  append(bytes, first.data(), first.size());
  append(bytes, offsets.data(), offsets.size());
  append(bytes, text.data(), text.size());
  return bytes;
}

}  // namespace nnoe::tables
