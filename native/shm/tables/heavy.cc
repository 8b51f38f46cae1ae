// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/heavy.h"

#include <algorithm>
#include <cstring>

namespace nnoe::tables {
namespace {

constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;

__extension__ using Wide = unsigned __int128;

uint64_t folded(uint64_t a, uint64_t b) noexcept {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

static_assert(HeavyHitters::kMost < 0xffff, "an entry's number fits a slot");

HeavyHitters::HeavyHitters(uint64_t secret) : secret_(secret | 1), slots_(kSlots) { entries_.reserve(kMost); }

uint64_t HeavyHitters::hash(std::string_view key) const noexcept {
  uint64_t state = secret_ ^ key.size();
  for (size_t at = 0; at < key.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, key.data() + at, std::min(sizeof word, key.size() - at));
    state = folded(state ^ word, secret_ ^ kOdd);
  }
  return state;
}

std::string_view HeavyHitters::key(const Counted& entry) const noexcept {
  return {text_.data() + entry.at, entry.size};
}

void HeavyHitters::add(std::string_view key, uint64_t weight) {
  key = key.substr(0, kMaxKey);
  const uint64_t hash = this->hash(key);
  for (size_t at = hash % kSlots; slots_[at] != 0; at = (at + 1) % kSlots) {
    Counted& entry = entries_[slots_[at] - 1u];
    if (entry.hash != hash || this->key(entry) != key) continue;
    entry.count += weight;
    return;
  }
  if (entries_.size() == kMost) purge();
  entries_.push_back({hash, weight, static_cast<uint32_t>(text_.size()), static_cast<uint8_t>(key.size())});
  text_.insert(text_.end(), key.begin(), key.end());
  place(static_cast<uint32_t>(entries_.size() - 1));
}

void HeavyHitters::place(uint32_t entry) noexcept {
  size_t at = entries_[entry].hash % kSlots;
  while (slots_[at] != 0) at = (at + 1) % kSlots;
  slots_[at] = static_cast<uint16_t>(entry + 1);
}

// At least half of the entries go, so the next purge is at least kMost / 2 new keys away.
void HeavyHitters::purge() {
  std::vector<uint64_t> counts;
  counts.reserve(entries_.size());
  for (const Counted& entry : entries_) counts.push_back(entry.count);
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  const uint64_t taken = *middle;
  error_ += taken;
  std::vector<Counted> kept;
  std::vector<char> text;
  kept.reserve(kMost);
  for (Counted entry : entries_) {
    if (entry.count <= taken) continue;
    entry.count -= taken;
    const std::string_view name = key(entry);
    entry.at = static_cast<uint32_t>(text.size());
    text.insert(text.end(), name.begin(), name.end());
    kept.push_back(entry);
  }
  entries_ = std::move(kept);
  text_ = std::move(text);
  std::fill(slots_.begin(), slots_.end(), uint16_t{0});
  for (uint32_t i = 0; i < entries_.size(); ++i) place(i);
}

void HeavyHitters::clear() noexcept {
  if (!entries_.empty()) std::fill(slots_.begin(), slots_.end(), uint16_t{0});
  entries_.clear();
  text_.clear();
  error_ = 0;
}

std::vector<HeavyHitters::Entry> HeavyHitters::top(size_t most) const {
  std::vector<Entry> all;
  all.reserve(entries_.size());
  for (const Counted& entry : entries_) all.push_back({key(entry), entry.count});
  const auto heavier = [](const Entry& a, const Entry& b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
  };
  const size_t shown = std::min(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), all.end(), heavier);
  all.resize(shown);
  return all;
}

}  // namespace nnoe::tables
