// SPDX-License-Identifier: MPL-2.0
#include <algorithm>

#include "shm/tables/client_store.h"

namespace nnoe::tables {
namespace {

using Changes = ClientStore::Changes;

// The prefix around (or equal to) `wanted` that counts now; false when there is none.
bool covering(const std::vector<Mapping>& base, const Changes& changes, const Mapping& wanted,
              Mapping& found) {
  for (int length = wanted.length; length >= 0; --length) {
    Mapping prefix = prefix_of(wanted.high, wanted.low, static_cast<uint8_t>(length));
    const auto changed = changes.find(prefix);
    if (changed != changes.end()) {
      if (changed->second == kRemoved) continue;
      prefix.value = changed->second;
    } else {
      const Mapping* kept = find_mapping(base, prefix);
      if (kept == nullptr) continue;
      prefix.value = kept->value;
    }
    found = prefix;
    return true;
  }
  return false;
}

// All that lies inside `range`, without itself, as it is now; `changed` is the first change after it and is
// moved behind it. False when there is too much.
bool add_inside(const std::vector<Mapping>& base, const Changes& changes, const Mapping& range,
                Changes::const_iterator& changed, DeltaPrefixes& delta) {
  auto kept = std::upper_bound(base.begin(), base.end(), range, before);
  for (;;) {
    const bool more_kept = kept != base.end() && covers(range, *kept);
    const bool more_changed = changed != changes.end() && covers(range, changed->first);
    if (!more_kept && !more_changed) return true;
    if (delta.painted.size() >= kMaxDelta) return false;
    Mapping next{};
    if (more_changed && (!more_kept || !before(*kept, changed->first))) {
      if (more_kept && !before(changed->first, *kept)) ++kept;
      next = changed->first;
      next.value = changed->second;
      ++changed;
      if (next.value == kRemoved) continue;
    } else {
      next = *kept++;
    }
    delta.painted.push_back(next);
    delta.listed.push_back(next);
  }
}

}  // namespace

const Mapping* find_mapping(const std::vector<Mapping>& sorted, const Mapping& wanted) noexcept {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), wanted, before);
  return at == sorted.end() || before(wanted, *at) ? nullptr : &*at;
}

bool resolve_delta(const std::vector<Mapping>& base, const Changes& changes, DeltaPrefixes& delta) {
  if (changes.size() > kMaxDelta) return false;
  for (auto changed = changes.begin(); changed != changes.end();) {
    Mapping range = changed->first;
    Mapping counts{};
    const bool any = covering(base, changes, range, counts);
    range.value = any ? counts.value : kRemoved;
    delta.painted.push_back(range);
    if (any) delta.listed.push_back(counts);
    ++changed;
    if (!add_inside(base, changes, range, changed, delta)) return false;
  }
  // A prefix around several ranges was listed with each.
  const auto same = [](const Mapping& a, const Mapping& b) { return !before(a, b) && !before(b, a); };
  std::sort(delta.listed.begin(), delta.listed.end(), before);
  delta.listed.erase(std::unique(delta.listed.begin(), delta.listed.end(), same), delta.listed.end());
  return true;
}

}  // namespace nnoe::tables
