// SPDX-License-Identifier: MPL-2.0
#include <cctype>

#include "shm/tables/test/names_support.h"

namespace nnoe::test {
namespace {

uint64_t below(std::mt19937_64& random, uint64_t limit) { return random() % limit; }

const uint8_t* bytes_of(const std::string& name) { return reinterpret_cast<const uint8_t*>(name.data()); }

}  // namespace

std::string wire(const std::string& text) {
  std::string name;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('.', at), text.size());
    name += static_cast<char>(end - at);
    name += text.substr(at, end - at);
    at = end + 1;
  }
  return name + '\0';
}

Levels Reference::walk(const std::string& name) const {
  std::vector<std::string> suffixes;
  for (size_t at = 0;; at += static_cast<uint8_t>(name[at]) + 1u) {
    suffixes.push_back(name.substr(at));
    if (name[at] == 0) break;
  }
  Levels levels;
  for (size_t depth = 0; depth < suffixes.size(); ++depth) {
    const auto found = entries_.find(suffixes[suffixes.size() - 1 - depth]);
    if (found == entries_.end()) continue;
    const bool whole = depth + 1 == suffixes.size();
    const names::Lists& lists = whole ? found->second.here : found->second.below;
    if (!(lists == names::Lists{})) levels.emplace_back(depth, lists);
  }
  return levels;
}

Levels walk_of(const Names& table, const std::string& name) {
  Levels levels;
  QueryName query;
  if (!query.parse(bytes_of(name), name.size())) return {{~size_t{0}, {}}};
  table.walk(query, [&](size_t depth, uint16_t id) {
    names::Lists lists{};
    std::copy(table.lists(id), table.lists(id) + kMaxLists / 64, lists.bits);
    if (!(lists == names::Lists{})) levels.emplace_back(depth, lists);
  });
  return levels;
}

Levels walk_of(const Names* base, const Names* delta, const std::string& name) {
  Levels levels;
  QueryName query;
  if (!query.parse(bytes_of(name), name.size())) return {{~size_t{0}, {}}};
  walk(base, delta, query, [&](size_t depth, uint16_t id, bool in_delta) {
    const uint64_t* bits = (in_delta ? delta : base)->lists(id);
    names::Lists lists{};
    std::copy(bits, bits + kMaxLists / 64, lists.bits);
    if (!(lists == names::Lists{})) levels.emplace_back(depth, lists);
  });
  return levels;
}

std::string random_name(std::mt19937_64& random) {
  std::string name;
  const uint64_t shape = below(random, 40);
  const size_t labels = shape == 0 ? 127 : shape == 1 ? 20 + below(random, 100) : below(random, 6);
  for (size_t i = 0; i < labels; ++i) {
    size_t length = 1;
    if (shape == 2) length = 63;
    if (shape == 3) length = 14 + below(random, 6);
    if (shape > 30) length = 1 + below(random, 3);
    if (name.size() + length + 2 > kMaxName) break;
    name += static_cast<char>(length);
    for (size_t j = 0; j < length; ++j) {
      // Upper case would be folded away; everything else may stand in a label.
      const auto any = static_cast<char>(std::tolower(static_cast<int>(below(random, 256))));
      name += shape == 4 ? any : static_cast<char>('a' + below(random, shape < 4 ? 2 : 3));
    }
  }
  return name + '\0';
}

std::string mixed_case(std::mt19937_64& random, std::string name) {
  for (size_t at = 0; name[at] != 0;) {
    const auto length = static_cast<uint8_t>(name[at]);
    for (size_t i = 1; i <= length; ++i) {
      if (below(random, 2) == 0 && name[at + i] >= 'a' && name[at + i] <= 'z')
        name[at + i] = static_cast<char>(name[at + i] - 'a' + 'A');
    }
    at += length + 1u;
  }
  return name;
}

}  // namespace nnoe::test
