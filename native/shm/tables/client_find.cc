// SPDX-License-Identifier: MPL-2.0
// What people ask of all mappings.
#include <cstring>

#include "shm/tables/client_store.h"

namespace nnoe::tables {
namespace {

// The value of a prefix now; kRemoved when there is none.
uint16_t value_now(const std::vector<Mapping>& base, const ClientStore::Changes& changes,
                   const Mapping& wanted) {
  const auto changed = changes.find(wanted);
  if (changed != changes.end()) return changed->second;
  const Mapping* found = find_mapping(base, wanted);
  return found == nullptr ? kRemoved : found->value;
}

void count(uint16_t value, std::vector<uint64_t>& counts) {
  if (value == kRemoved) return;
  if (value >= counts.size()) counts.resize(value + size_t{1});
  ++counts[value];
}

void count_all(const std::vector<Mapping>& base, const ClientStore::Changes& changes,
               std::vector<uint64_t>& counts) {
  for (const Mapping& mapping : base)
    if (changes.empty() || changes.count(mapping) == 0) count(mapping.value, counts);
  for (const auto& [mapping, value] : changes) count(value, counts);
}

}  // namespace

bool ClientStore::find(const uint8_t* address, size_t bytes, ClientRecord& found) const {
  if (bytes != 4 && bytes != 16) return false;
  ClientRecord record{};
  std::memcpy(record.address, address, bytes);
  record.family = bytes == 4 ? 4 : 6;
  record.length = static_cast<uint8_t>(bytes * 8);
  Family family{};
  Mapping host{};
  std::string why;
  if (!read(record, family, host, why)) return false;
  const auto f = static_cast<size_t>(family);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (int length = kAddressBits[f]; length >= 0; --length) {
    const Mapping wanted = prefix_of(host.high, host.low, static_cast<uint8_t>(length));
    const bool whole = length == kAddressBits[f];
    const Part& part = base_->of[f];
    const PartChanges& changes = changes_.of[f];
    const uint16_t value = whole ? value_now(part.hosts, changes.hosts, wanted)
                                 : value_now(part.prefixes, changes.prefixes, wanted);
    if (value == kRemoved) continue;
    const uint64_t words[2] = {__builtin_bswap64(wanted.high), __builtin_bswap64(wanted.low)};
    std::memcpy(found.address, words, sizeof words);
    found.family = family == Family::kV4 ? 4 : 6;
    found.length = static_cast<uint8_t>(length);
    found.role_set = value;
    return true;
  }
  return false;
}

std::vector<uint64_t> ClientStore::counts() const {
  std::shared_ptr<const Mappings> base;
  MappingChanges changes;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    base = base_;
    changes = changes_;
  }
  std::vector<uint64_t> counts;
  for (uint32_t f = 0; f < kFamilies; ++f) {
    count_all(base->of[f].hosts, changes.of[f].hosts, counts);
    count_all(base->of[f].prefixes, changes.of[f].prefixes, counts);
  }
  return counts;
}

}  // namespace nnoe::tables
