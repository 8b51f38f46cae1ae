// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/client_store.h"

#include <algorithm>
#include <cstring>

namespace nnoe::tables {
namespace {

using Changes = ClientStore::Changes;
using Mappings = ClientStore::Mappings;
using MappingChanges = ClientStore::MappingChanges;

template <class P>
auto& table_for(P& part, Family family, const Mapping& mapping) {
  const bool host = mapping.length == kAddressBits[static_cast<size_t>(family)];
  auto& of = part.of[static_cast<size_t>(family)];
  return host ? of.hosts : of.prefixes;
}

// Calls `visit` with the four tables of one thing and the same four of another.
template <class A, class B, class Visit>
void each_table(A& a, B& b, Visit visit) {
  for (uint32_t f = 0; f < kFamilies; ++f) {
    visit(a.of[f].hosts, b.of[f].hosts);
    visit(a.of[f].prefixes, b.of[f].prefixes);
  }
}

uint16_t value_in(const std::vector<Mapping>& sorted, const Mapping& wanted) noexcept {
  const Mapping* found = find_mapping(sorted, wanted);
  return found == nullptr ? kRemoved : found->value;
}

size_t count(const MappingChanges& changes) noexcept {
  size_t sum = 0;
  for (const auto& part : changes.of) sum += part.hosts.size() + part.prefixes.size();
  return sum;
}

size_t count(const Mappings& mappings) noexcept {
  size_t sum = 0;
  for (const auto& part : mappings.of) sum += part.hosts.size() + part.prefixes.size();
  return sum;
}

std::vector<Mapping> merged(const std::vector<Mapping>& base, const Changes& changes) {
  std::vector<Mapping> made;
  made.reserve(base.size() + changes.size());
  auto kept = base.begin();
  for (const auto& [key, value] : changes) {
    while (kept != base.end() && before(*kept, key)) made.push_back(*kept++);
    if (kept != base.end() && !before(key, *kept)) ++kept;
    if (value != kRemoved) made.push_back({key.high, key.low, value, key.length});
  }
  made.insert(made.end(), kept, base.end());
  return made;
}

// What makes `base` into `wanted`; false when that is more than kMaxDelta.
bool difference(const std::vector<Mapping>& base, const std::vector<Mapping>& wanted, Changes& changes) {
  std::vector<Mapping> found;  // a map is made when it is known that they are few enough for one
  auto kept = base.begin();
  auto next = wanted.begin();
  while (kept != base.end() || next != wanted.end()) {
    // At least as many more as one side has more left than the other.
    const auto left = (base.end() - kept) - (wanted.end() - next);
    if (found.size() + static_cast<size_t>(left < 0 ? -left : left) > kMaxDelta) return false;
    if (next == wanted.end() || (kept != base.end() && before(*kept, *next))) {
      found.push_back(*kept++);
      found.back().value = kRemoved;
    } else if (kept == base.end() || before(*next, *kept)) {
      found.push_back(*next++);
    } else {
      if (kept->value != next->value) found.push_back(*next);
      ++kept;
      ++next;
    }
  }
  for (const Mapping& one : found) changes.emplace_hint(changes.end(), one, one.value);
  return true;
}

// In order; of equal ones the last.
void normalise(std::vector<Mapping>& mappings) {
  std::stable_sort(mappings.begin(), mappings.end(), before);
  size_t kept = 0;
  for (size_t i = 0; i < mappings.size(); ++i) {
    if (i + 1 < mappings.size() && !before(mappings[i], mappings[i + 1])) continue;
    mappings[kept++] = mappings[i];
  }
  mappings.resize(kept);
}

std::vector<Mapping> listed(const Changes& changes) {
  std::vector<Mapping> made;
  made.reserve(changes.size());
  for (const auto& [key, value] : changes) made.push_back({key.high, key.low, value, key.length});
  return made;
}

}  // namespace

ClientStore::ClientStore() : base_(std::make_shared<Mappings>()) {}

bool ClientStore::read(const ClientRecord& record, Family& family, Mapping& mapping, std::string& why) {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (record.family != 4 && record.family != 6)
    return why = "family " + std::to_string(record.family) + ", expected 4 or 6", false;
  family = record.family == 4 ? Family::kV4 : Family::kV6;
  uint8_t length = record.length;
  if (length > kAddressBits[static_cast<size_t>(family)])
    return why = "prefix length " + std::to_string(length) + " in an address of family " +
                 std::to_string(record.family),
           false;
  uint64_t words[2];
  std::memcpy(words, record.address, sizeof words);
  uint64_t high = __builtin_bswap64(words[0]);
  if (family == Family::kV6 && length >= 96 && std::memcmp(record.address, kMapped, sizeof kMapped) == 0) {
    family = Family::kV4;
    length = static_cast<uint8_t>(length - 96);
    high = __builtin_bswap64(words[1]) << 32;
  }
  const uint64_t low = family == Family::kV4 ? 0 : __builtin_bswap64(words[1]);
  mapping = prefix_of(high, low, length, record.role_set);
  if (record.role_set < kMaxRoleSets) return true;
  return why = "role set " + std::to_string(record.role_set) + ", of which there cannot be so many", false;
}

bool ClientStore::replace(const uint8_t* records, size_t bytes, std::string& why) {
  if (bytes % sizeof(ClientRecord) != 0) return why = "half a mapping at the end", false;
  auto made = std::make_shared<Mappings>();
  for (size_t at = 0; at < bytes; at += sizeof(ClientRecord)) {
    ClientRecord record;
    std::memcpy(&record, records + at, sizeof record);
    Family family{};
    Mapping mapping{};
    if (!read(record, family, mapping, why)) return false;
    table_for(*made, family, mapping).push_back(mapping);
  }
  for (auto& part : made->of) {
    normalise(part.hosts);
    normalise(part.prefixes);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  size_ = count(*made);
  MappingChanges changes;
  bool small = true;
  each_table(*base_, *made, [&, table = 0](const auto& base, const auto& wanted) mutable {
    auto& part = changes.of[table / 2];
    small = small && difference(base, wanted, table % 2 == 0 ? part.hosts : part.prefixes);
    ++table;
  });
  // Many changes are a base of their own, which is not published yet.
  if (small) {
    changes_ = std::move(changes);
  } else {
    base_ = std::move(made);
    changes_ = {};
  }
  return true;
}

void ClientStore::put(Family family, const Mapping& mapping) {
  const uint16_t kept = value_in(table_for(*base_, family, mapping), mapping);
  Changes& changes = table_for(changes_, family, mapping);
  const auto changed = changes.find(mapping);
  const uint16_t last = changed == changes.end() ? kept : changed->second;
  size_ += static_cast<size_t>(mapping.value != kRemoved);
  size_ -= static_cast<size_t>(last != kRemoved);
  if (mapping.value == kept)
    changes.erase(mapping);
  else
    changes[mapping] = mapping.value;
}

bool ClientStore::set(const ClientRecord& record, std::string& why) {
  Family family{};
  Mapping mapping{};
  if (!read(record, family, mapping, why)) return false;
  const std::lock_guard<std::mutex> lock(mutex_);
  put(family, mapping);
  return true;
}

bool ClientStore::erase(const ClientRecord& record, std::string& why) {
  ClientRecord without = record;
  without.role_set = 0;
  Family family{};
  Mapping mapping{};
  if (!read(without, family, mapping, why)) return false;
  mapping.value = kRemoved;
  const std::lock_guard<std::mutex> lock(mutex_);
  put(family, mapping);
  return true;
}

bool ClientStore::restore(const Hosts& hosts, const Prefixes& prefixes) {
  if (hosts.is_delta() || prefixes.is_delta()) return false;
  auto made = std::make_shared<Mappings>();
  for (uint32_t f = 0; f < kFamilies; ++f) {
    made->of[f].hosts = hosts.entries(static_cast<Family>(f));
    made->of[f].prefixes = prefixes.entries(static_cast<Family>(f));
    normalise(made->of[f].hosts);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  size_ = count(*made);
  base_ = std::move(made);
  published_ = base_;
  changes_ = {};
  return true;
}

ClientStore::Base ClientStore::build_base() const {
  Base base;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    base.from = base_;
    base.changes = changes_;
  }
  base.made = base.from;
  if (count(base.changes) != 0) {
    auto made = std::make_shared<Mappings>();
    for (uint32_t f = 0; f < kFamilies; ++f) {
      made->of[f].hosts = merged(base.from->of[f].hosts, base.changes.of[f].hosts);
      made->of[f].prefixes = merged(base.from->of[f].prefixes, base.changes.of[f].prefixes);
    }
    base.made = std::move(made);
  }
  const auto& of = base.made->of;
  base.hosts = build_hosts(of[0].hosts, of[1].hosts, false);
  base.prefixes = build_prefixes({of[0].prefixes, of[0].prefixes}, {of[1].prefixes, of[1].prefixes}, false);
  return base;
}

void ClientStore::adopt(const Base& base) {
  const std::lock_guard<std::mutex> lock(mutex_);
  published_ = base.made;
  if (base_ != base.from) return;  // all was replaced meanwhile: needs a base again
  // A mapping that changed before or since: does it still differ?
  MappingChanges left;
  for (uint32_t f = 0; f < kFamilies; ++f) {
    const auto rebase = [](const std::vector<Mapping>& from, const std::vector<Mapping>& made,
                           const Changes& then, const Changes& now, Changes& out) {
      for (const Changes* some : {&then, &now})
        for (const auto& [key, ignored] : *some) {
          const auto changed = now.find(key);
          const uint16_t value = changed == now.end() ? value_in(from, key) : changed->second;
          if (value != value_in(made, key)) out[key] = value;
        }
    };
    rebase(base.from->of[f].hosts, base.made->of[f].hosts, base.changes.of[f].hosts, changes_.of[f].hosts,
           left.of[f].hosts);
    rebase(base.from->of[f].prefixes, base.made->of[f].prefixes, base.changes.of[f].prefixes,
           changes_.of[f].prefixes, left.of[f].prefixes);
  }
  changes_ = std::move(left);
  base_ = base.made;
}

ClientStore::Delta ClientStore::build_delta() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Delta delta;
  DeltaPrefixes prefixes[kFamilies];
  size_t hosts = 0;
  delta.needs_base = base_ != published_;
  for (uint32_t f = 0; f < kFamilies && !delta.needs_base; ++f) {
    hosts += changes_.of[f].hosts.size();
    delta.needs_base = !resolve_delta(base_->of[f].prefixes, changes_.of[f].prefixes, prefixes[f]);
  }
  delta.needs_base = delta.needs_base || hosts > kMaxDelta;
  if (delta.needs_base) return delta;
  if (hosts != 0) delta.hosts = build_hosts(listed(changes_.of[0].hosts), listed(changes_.of[1].hosts), true);
  if (!prefixes[0].painted.empty() || !prefixes[1].painted.empty())
    delta.prefixes = build_prefixes({prefixes[0].painted, prefixes[0].listed},
                                    {prefixes[1].painted, prefixes[1].listed}, true);
  return delta;
}

size_t ClientStore::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return size_;
}

size_t ClientStore::changes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return count(changes_);
}

}  // namespace nnoe::tables
