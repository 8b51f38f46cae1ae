// SPDX-License-Identifier: MPL-2.0
// clients_bench lookup WHAT FAMILY ENTRIES QUERIES   answers QUERIES addresses and prints {"sum","hits","ns"}
//   WHAT: prefixes, tree, hosts, map, or loop, which asks nobody: take its instructions away
// clients_bench build HOSTS PREFIXES                 both as a base of IPv4, then one changed mapping as a
// delta clients_bench write QUERIES DIRECTORY              counts and records decisions; `write-loop` does
// all but that clients_bench drain SECONDS DIRECTORY              a thread that decides and one that reads
// its records Data are random and always the same. `tree` is a tree of bits without single branches, as
// dnsdist's NetmaskTree.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "shm/tables/client_store.h"
#include "shm/tables/test/aligned.h"

namespace {

using namespace nnoe::tables;
using nnoe::tables::test::AlignedBody;
using Random = std::mt19937_64;
using Clock = std::chrono::steady_clock;

constexpr Limits kLimits{kMaxRoleSets, kMaxLists, kMaxActions};
constexpr size_t kAsked = 1 << 16;

// Two runs that are compared must have tables that are alike.
void fixed_secret(uint64_t* words, size_t count) {
  static Random random(7);
  for (size_t i = 0; i < count; ++i) words[i] = random();
}

struct Address {
  uint64_t high;
  uint64_t low;
  bool operator==(const Address& other) const noexcept { return high == other.high && low == other.low; }
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Keeps the compiler from removing what a loop does.
inline void keep(const void* pointer) { asm volatile("" : : "r"(pointer) : "memory"); }

// Subnets as sites have them: most of IPv4 are /24, of IPv6 /48 and /64.
Mapping some_prefix(Random& random, Family family) {
  static constexpr uint8_t k4[] = {16, 20, 22, 23, 24, 24, 24, 24, 24, 25, 26, 27, 28, 30};
  static constexpr uint8_t k6[] = {32, 40, 44, 48, 48, 48, 48, 52, 56, 56, 60, 64, 64, 64};
  const uint64_t word = random();
  const auto value = static_cast<uint16_t>(random() % 100);
  if (family == Family::kV4)
    return prefix_of(word & 0xffffffff00000000, 0, k4[random() % std::size(k4)], value);
  return prefix_of(0x2000000000000000 | word >> 3, 0, k6[random() % std::size(k6)], value);
}

std::vector<Mapping> in_order(std::vector<Mapping> mappings) {
  std::sort(mappings.begin(), mappings.end(), before);
  const auto same = [](const Mapping& a, const Mapping& b) { return !before(a, b); };
  mappings.erase(std::unique(mappings.begin(), mappings.end(), same), mappings.end());
  return mappings;
}

std::vector<Mapping> some_prefixes(Random& random, Family family, size_t count) {
  std::vector<Mapping> made;
  for (size_t i = 0; i < count; ++i) made.push_back(some_prefix(random, family));
  return in_order(std::move(made));
}

// Clients of large networks, side by side: 256 of every /20, 64 of every /64.
std::vector<Mapping> some_hosts(Random& random, Family family, size_t count) {
  std::vector<Mapping> made;
  for (size_t i = 0; i < count; ++i) {
    const auto value = static_cast<uint16_t>(random() % 100);
    if (family == Family::kV4)
      made.push_back({(0x0a000000 + i / 256 * 4096 + i % 256) << 32, 0, value, 32});
    else
      made.push_back({0x20010db800000000 + i / 64, random(), value, 128});
  }
  return in_order(std::move(made));
}

// Three of four addresses are in the table.
std::vector<Address> some_addresses(Random& random, Family family, const std::vector<Mapping>& mappings) {
  std::vector<Address> made;
  for (size_t i = 0; i < kAsked; ++i) {
    Mapping from = i % 4 == 0 ? some_prefix(random, family) : mappings[random() % mappings.size()];
    from.high |= random() & ~mask_high(from.length);
    from.low |= random() & ~mask_low(from.length);
    if (family == Family::kV4) from.high &= 0xffffffff00000000;
    made.push_back({from.high, family == Family::kV4 ? 0 : from.low});
  }
  return made;
}

// The other way of doing it for subnets.
class Tree {
 public:
  explicit Tree(const std::vector<Mapping>& prefixes) {
    for (const Mapping& prefix : prefixes) insert(prefix);
  }
  uint16_t find(Address address) const noexcept {
    uint16_t value = kAbsent;
    const Mapping wanted{address.high, address.low, 0, 128};
    for (const Node* node = root_.get(); node != nullptr && covers(node->prefix, wanted);) {
      if (node->prefix.value != kAbsent) value = node->prefix.value;
      if (node->prefix.length == 128) break;
      node = node->child[bit(wanted, node->prefix.length)].get();
    }
    return value;
  }

 private:
  struct Node {
    Mapping prefix;
    std::unique_ptr<Node> child[2];
  };
  static bool bit(const Mapping& of, uint8_t at) noexcept {
    return at < 64 ? (of.high >> (63 - at) & 1) != 0 : (of.low >> (127 - at) & 1) != 0;
  }
  void insert(const Mapping& prefix) {
    std::unique_ptr<Node>* at = &root_;
    while (*at && covers((*at)->prefix, prefix) && (*at)->prefix.length < prefix.length)
      at = &(*at)->child[bit(prefix, (*at)->prefix.length)];
    if (*at && !covers(prefix, (*at)->prefix)) {
      // A branch where the two part.
      uint8_t length = 0;
      while (covers(prefix_of(prefix.high, prefix.low, static_cast<uint8_t>(length + 1)), (*at)->prefix) &&
             length < prefix.length)
        ++length;
      auto branch = std::make_unique<Node>();
      branch->prefix = prefix_of(prefix.high, prefix.low, length);
      branch->child[bit((*at)->prefix, length)] = std::move(*at);
      *at = std::move(branch);
      at = &(*at)->child[bit(prefix, length)];
    }
    auto made = std::make_unique<Node>();
    made->prefix = prefix;
    if (*at) made->child[bit((*at)->prefix, prefix.length)] = std::move(*at);
    *at = std::move(made);
  }
  std::unique_ptr<Node> root_;
};

struct HashAddress {
  size_t operator()(const Address& address) const noexcept {
    return std::hash<uint64_t>()(address.high ^ address.low * 0x9e3779b97f4a7c15);
  }
};

template <class Find>
int answer(const std::vector<Address>& asked, uint64_t queries, Find find) {
  uint64_t sum = 0;
  uint64_t hits = 0;
  const auto begin = Clock::now();
  for (uint64_t i = 0; i < queries; ++i) {
    const uint16_t value = find(i % kAsked);
    sum += value;
    hits += value != kAbsent ? 1 : 0;
  }
  const double ns = seconds_since(begin) * 1e9 / static_cast<double>(queries);
  keep(asked.data());
  std::printf("{\"sum\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"ns\":%.2f}\n", sum, hits, ns);
  return 0;
}

template <class Table>
Table opened(const AlignedBody& body) {
  Table table;
  std::string why;
  if (Table::open(body.body(), kLimits, table, why)) return table;
  std::fprintf(stderr, "clients_bench: %s\n", why.c_str());
  std::exit(1);
}

// Addresses as a query has them.
struct Wire {
  std::vector<uint32_t> v4;
  std::vector<uint64_t> v6;
  explicit Wire(const std::vector<Address>& asked) {
    for (const Address& address : asked) {
      v4.push_back(static_cast<uint32_t>(address.high >> 32));
      v6.push_back(__builtin_bswap64(address.high));
      v6.push_back(__builtin_bswap64(address.low));
    }
  }
  const uint8_t* bytes(size_t i) const noexcept { return reinterpret_cast<const uint8_t*>(&v6[2 * i]); }
};

template <class Table>
int answer_table(const Bytes& section, Family family, const std::vector<Address>& asked, uint64_t queries) {
  const AlignedBody body(section);
  const Table table = opened<Table>(body);
  const Wire wire(asked);
  if (family == Family::kV4) return answer(asked, queries, [&](size_t i) { return table.find4(wire.v4[i]); });
  return answer(asked, queries, [&](size_t i) { return table.find6(wire.bytes(i)); });
}

int lookup(const std::string& what, Family family, size_t entries, uint64_t queries) {
  Random random(1);
  const bool hosts = what == "hosts" || what == "map" || what == "loop-hosts";
  const auto mappings = hosts ? some_hosts(random, family, entries) : some_prefixes(random, family, entries);
  const auto asked = some_addresses(random, family, mappings);
  const std::vector<Mapping> none;
  const auto& v4 = family == Family::kV4 ? mappings : none;
  const auto& v6 = family == Family::kV4 ? none : mappings;
  if (what == "prefixes")
    return answer_table<Prefixes>(build_prefixes({v4, v4}, {v6, v6}, false), family, asked, queries);
  if (what == "hosts")
    return answer_table<Hosts>(build_hosts(v4, v6, false, fixed_secret), family, asked, queries);
  if (what == "tree") {
    const Tree tree(mappings);
    return answer(asked, queries, [&](size_t i) { return tree.find(asked[i]); });
  }
  if (what == "map") {
    std::unordered_map<Address, uint16_t, HashAddress> map;
    for (const Mapping& host : mappings) map.emplace(Address{host.high, host.low}, host.value);
    return answer(asked, queries, [&](size_t i) {
      const auto found = map.find(asked[i]);
      return found == map.end() ? kAbsent : found->second;
    });
  }
  const Wire wire(asked);
  if (family == Family::kV4)
    return answer(asked, queries, [&](size_t i) { return static_cast<uint16_t>(wire.v4[i]); });
  return answer(asked, queries, [&](size_t i) { return static_cast<uint16_t>(*wire.bytes(i)); });
}

int build(size_t hosts, size_t prefixes) {
  Random random(1);
  Bytes flat;
  const auto add = [&](const Mapping& mapping) {
    ClientRecord record{};
    const uint64_t word = __builtin_bswap64(mapping.high);
    std::memcpy(record.address, &word, sizeof word);
    record.family = 4;
    record.length = mapping.length;
    record.role_set = mapping.value;
    const auto* bytes = reinterpret_cast<const uint8_t*>(&record);
    flat.insert(flat.end(), bytes, bytes + sizeof record);
  };
  const auto only_hosts = some_hosts(random, Family::kV4, hosts);
  const auto only_prefixes = some_prefixes(random, Family::kV4, prefixes);
  for (const Mapping& host : only_hosts) add(host);
  for (const Mapping& prefix : only_prefixes) add(prefix);
  const std::vector<Mapping> none;
  auto begin = Clock::now();
  const Bytes hosts_body = build_hosts(only_hosts, none, false);
  const double hosts_s = seconds_since(begin);
  begin = Clock::now();
  const Bytes prefixes_body = build_prefixes({only_prefixes, only_prefixes}, {none, none}, false);
  const double prefixes_s = seconds_since(begin);
  const AlignedBody hosts_memory(hosts_body);
  const AlignedBody prefixes_memory(prefixes_body);
  begin = Clock::now();
  opened<Hosts>(hosts_memory);
  opened<Prefixes>(prefixes_memory);
  const double check_s = seconds_since(begin);
  ClientStore store;
  std::string why;
  begin = Clock::now();
  if (!store.replace(flat.data(), flat.size(), why)) return 1;
  const double replace_s = seconds_since(begin);
  store.adopt(store.build_base());
  ClientRecord record{{10, 1, 2, 3}, 4, 32, 7};
  begin = Clock::now();
  store.set(record, why);
  record.length = 20;
  store.set(record, why);
  const ClientStore::Delta delta = store.build_delta();
  const double delta_s = seconds_since(begin);
  std::printf(
      "{\"hosts\":%zu,\"hostsSeconds\":%.4f,\"hostsBytes\":%zu,\"prefixes\":%zu,\"prefixesSeconds\":%.4f,"
      "\"prefixesBytes\":%zu,\"checkSeconds\":%.4f,\"replaceSeconds\":%.4f,\"deltaMs\":%.4f,\"deltaBytes\":%"
      "zu}\n",
      only_hosts.size(), hosts_s, hosts_body.size(), only_prefixes.size(), prefixes_s, prefixes_body.size(),
      check_s, replace_s, delta_s * 1000, delta.hosts.size() + delta.prefixes.size());
  return delta.needs_base ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](size_t i) { return std::strtoull(words.at(i).c_str(), nullptr, 10); };
  const std::string mode = words.empty() ? "" : words[0];
  if (mode == "lookup" && words.size() == 5)
    return lookup(words[1], words[2] == "4" ? Family::kV4 : Family::kV6, number(3), number(4));
  if (mode == "build" && words.size() == 3) return build(number(1), number(2));
  std::fprintf(stderr, "usage: see the first lines of clients_bench.cc\n");
  return 2;
}
