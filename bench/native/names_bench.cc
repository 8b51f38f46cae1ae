// SPDX-License-Identifier: MPL-2.0
// names_bench build COUNT FILE          builds a section of COUNT names through the host's store, writes it
// to FILE names_bench ask WAY FILE COUNT KIND QUERIES DISTINCT
//   asks QUERIES of DISTINCT names, each when the one before is answered, of a table of COUNT names. WAY:
//   table (FILE), map (an unordered map of listed suffixes with the same names), loop (nothing: what is not
//   the lookup).
// KIND: miss (nothing is listed), above (its domain is), itself (the name is). All of three labels where
// their domain has two. Prints one JSON object, with a sum over the answers that is the same for whatever
// gave the same.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domains.h"
#include "memory.h"
#include "shm/tables/name_store.h"

namespace {

using namespace nnoe::tables;
using nnoe::bench::Domains;
using nnoe::bench::memory_kb;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kSeed = 4;

// Processor time of this thread, s: what others on the machine do is not ours.
double cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "names_bench: %s\n", why.c_str());
  std::exit(1);
}

uint64_t anonymous_kb() { return memory_kb("RssAnon"); }

const uint8_t* bytes_of(const std::string& name) { return reinterpret_cast<const uint8_t*>(name.data()); }

// --- build ---

void fill(NameStore& store, uint64_t count, const Domains& domains) {
  std::vector<std::unique_ptr<NameSetWriter>> writers;
  for (uint32_t list = 0; list < 12; ++list) writers.push_back(store.writer(list));
  for (uint64_t number = 0; number < count; ++number) {
    const std::string name = domains.entry(number);
    const Listed listed = domains.exact(number) ? Listed::kExact : Listed::kSubtree;
    for (uint32_t lists = domains.lists(number); lists != 0; lists &= lists - 1)
      writers[static_cast<size_t>(__builtin_ctz(lists))]->add(bytes_of(name), name.size(), listed);
  }
  for (uint32_t list = 0; list < 12; ++list) {
    Error error;
    if (!store.replace(list, std::move(writers[list]), error)) fail(error.text);
  }
}

int build(uint64_t count, const std::string& file) {
  const std::string directory = file + ".store";
  std::filesystem::remove_all(directory);
  NameStore store(directory);
  std::vector<std::string> refused;
  Error error;
  if (!store.open(refused, error)) fail(error.text);
  const double filling = cpu();
  fill(store, count, Domains(kSeed));
  const double filled = cpu() - filling;
  ::malloc_trim(0);
  const uint64_t before = anonymous_kb();
  const double building = cpu();
  std::vector<uint8_t> body = store.build_base();
  const double built = cpu() - building;
  const uint64_t peak = memory_kb("VmHWM");

  const char before_body[sizeof(SectionHeader)] = {};
  std::ofstream(file, std::ios::binary)
      .write(before_body, sizeof before_body)
      .write(reinterpret_cast<const char*>(body.data()), static_cast<std::streamsize>(body.size()));
  std::vector<uint8_t>().swap(body);
  Body mapped;
  const auto owner = NameStore::map_section(file, mapped, error);
  std::string why;
  const auto opening = Clock::now();
  Names names;
  if (owner == nullptr || !Names::open(mapped, {1, 12, 1}, names, why)) fail(error.text + why);
  const double opened = since(opening);
  if (!store.adopt_base(mapped, owner, why)) fail(why);
  ::malloc_trim(0);
  const uint64_t after = anonymous_kb();

  // One name more: from the change to the bytes of the delta.
  const std::string name = Domains(kSeed).domain(count * 3 + 1);
  const auto changing = Clock::now();
  store.set(3, bytes_of(name), name.size(), Listed::kSubtree);
  const size_t delta = store.build_delta().size();
  const double changed = since(changing);

  const auto* header = reinterpret_cast<const names::Header*>(mapped.data);
  uint64_t wire = header->blob - names::kBlobStart;
  for (size_t i = 0; i < header->buckets + size_t{names::kMaxDisplaced}; ++i) {
    const auto& bucket =
        reinterpret_cast<const names::Bucket*>(mapped.data + names::places_of(*header).buckets)[i];
    for (const uint32_t word : bucket.flags)
      wire -= ((word & names::kHere) != 0 ? 2u : 0u) + ((word & names::kTwo) != 0 ? 2u : 0u);
  }
  const double each = static_cast<double>(header->names);
  std::printf(
      "{\"names\":%llu,\"slots\":%llu,\"listsets\":%u,\"wire\":%.3f,\"bytes\":%.3f,\"above\":%.3f,\"sets_"
      "seconds\":%.3f,"
      "\"build_seconds\":%.3f,\"open_seconds\":%.3f,\"delta_ms\":%.3f,\"delta_bytes\":%zu,\"before_kb\":%llu,"
      "\"peak_kb\":%llu,\"after_kb\":%llu}\n",
      static_cast<unsigned long long>(header->names), static_cast<unsigned long long>(header->slots),
      header->listsets, static_cast<double>(wire) / each, static_cast<double>(mapped.size) / each,
      (static_cast<double>(mapped.size) - static_cast<double>(wire)) / each, filled, built, opened,
      changed * 1e3, delta, static_cast<unsigned long long>(before), static_cast<unsigned long long>(peak),
      static_cast<unsigned long long>(after));
  std::filesystem::remove_all(directory);
  return 0;
}

// --- lookups ---

struct Table {
  std::shared_ptr<const void> owner;
  Names names;

  explicit Table(const std::string& file) {
    Body mapped;
    Error error;
    const auto source = NameStore::map_section(file, mapped, error);
    if (source == nullptr) fail(error.text);
    // Memory of its own, as a bridge has it, in huge pages where they are to be had.
    constexpr size_t kHuge = size_t{2} << 20;
    const size_t size = (mapped.size + kBodySlack + kHuge - 1) / kHuge * kHuge;
    auto* copy = static_cast<uint8_t*>(std::aligned_alloc(kHuge, size));
    ::madvise(copy, size, MADV_HUGEPAGE);
    std::memcpy(copy, mapped.data, mapped.size);
    owner.reset(copy, std::free);
    std::string why;
    if (!Names::open({copy, mapped.size}, {1, 12, 1}, names, why)) fail(why);
  }

  // Depth and lists of the deepest level that says something.
  uint64_t find(const std::string& name) const noexcept {
    QueryName query;
    if (!query.parse(bytes_of(name), name.size())) return 0;
    uint64_t answer = 0;
    names.walk(query, [&](size_t depth, uint16_t id) { answer = depth << 32 | id; });
    return answer;
  }
  uint64_t meaning(uint64_t answer) const {
    return answer == 0 ? 0 : Domains::mix(answer >> 32) ^ names.lists(static_cast<uint16_t>(answer))[0];
  }
};

struct Map {
  std::vector<std::string> kept;
  std::unordered_map<std::string_view, uint32_t>
      entries;  // lists of the name in the lower half, of what is below above

  explicit Map(uint64_t count) {
    const Domains domains(kSeed);
    for (uint64_t number = 0; number < count; ++number) kept.push_back(domains.entry(number));
    for (uint64_t number = 0; number < count; ++number) {
      const uint32_t lists = domains.lists(number);
      entries[kept[number]] |= lists | (domains.exact(number) ? 0 : lists << 16);
    }
  }
  uint64_t find(const std::string& name) const {
    char folded[kMaxName];
    size_t size = 0;
    for (const char byte : name)
      folded[size++] = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
    uint64_t answer = 0;
    size_t depth = 0;
    size_t starts[kMaxLabels + 1];
    for (size_t at = 0; folded[at] != 0; at += static_cast<uint8_t>(folded[at]) + 1u) starts[depth++] = at;
    for (size_t i = depth; i > 0; --i) {
      const auto found = entries.find(std::string_view(folded + starts[i - 1], size - starts[i - 1]));
      if (found == entries.end()) continue;
      const uint32_t lists = i == 1 ? found->second & 0xffff : found->second >> 16;
      if (lists != 0) answer = (depth - i + 1) << 32 | lists;
    }
    return answer;
  }
  static uint64_t meaning(uint64_t answer) {
    return answer == 0 ? 0 : Domains::mix(answer >> 32) ^ static_cast<uint32_t>(answer);
  }
};

struct Loop {
  static uint64_t find(const std::string& name) noexcept {
    asm volatile("" : : "r"(name.data()) : "memory");
    return 0;
  }
  static uint64_t meaning(uint64_t) { return 0; }
};

// Names of three labels, a third of their letters in upper case, in no order.
std::vector<std::string> queries(const std::string& kind, uint64_t count, size_t distinct) {
  const Domains domains(kSeed);
  std::vector<std::string> made;
  for (uint64_t i = 0; made.size() < distinct; ++i) {
    const uint64_t number = Domains::mix(i) % count;
    const std::string entry = domains.entry(number);
    const auto labels = [](const std::string& name) {
      size_t n = 0;
      for (size_t at = 0; name[at] != 0; at += static_cast<uint8_t>(name[at]) + 1u) ++n;
      return n;
    };
    std::string name;
    if (kind == "miss") name = domains.below(domains.domain(count * 2 + number), i);
    if (kind == "above" && labels(entry) == 2 && !domains.exact(number)) name = domains.below(entry, i);
    if (kind == "itself") name = entry;
    if (name.empty() || labels(name) != 3) continue;
    for (size_t at = 1; at < name.size(); ++at) {
      if (name[at] >= 'a' && name[at] <= 'z' && Domains::mix(i * 256 + at) % 3 == 0)
        name[at] = static_cast<char>(name[at] - 32);
    }
    made.push_back(std::move(name));
  }
  return made;
}

volatile uint64_t nothing = 0;

// Every query waits for the answer of the one before, as if there were nothing else to do.
template <class Way>
uint64_t ask(const Way& way, const std::vector<std::string>& names, uint64_t count,
             std::vector<uint64_t>& answers) {
  const uint64_t none = nothing;
  uint64_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t answer = way.find(names[at]);
    answers[at] = answer;
    at += 1 + (answer & none);
    if (at == names.size()) at = 0;
  }
  return at;
}

template <class Way>
int measure(const Way& way, const std::vector<std::string>& names, uint64_t count) {
  std::vector<uint64_t> answers(names.size());
  if (names.size() < 100000) ask(way, names, names.size() * 20, answers);
  const auto begin = Clock::now();
  ask(way, names, count, answers);
  const double seconds = since(begin);
  uint64_t sum = 0;
  uint64_t hits = 0;
  for (const uint64_t answer : answers) {
    sum += way.meaning(answer);
    hits += answer != 0 ? 1 : 0;
  }
  std::printf("{\"count\":%llu,\"ns\":%.2f,\"hits\":%llu,\"sum\":\"%016llx\"}\n",
              static_cast<unsigned long long>(count), seconds * 1e9 / static_cast<double>(count),
              static_cast<unsigned long long>(hits), static_cast<unsigned long long>(sum));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](size_t i) { return std::strtoull(words[i].c_str(), nullptr, 10); };
  if (words.size() == 3 && words[0] == "build") return build(number(1), words[2]);
  if (words.size() != 7 || words[0] != "ask") {
    std::fprintf(stderr,
                 "usage: names_bench build COUNT FILE | ask table|map|loop FILE COUNT miss|above|itself "
                 "QUERIES DISTINCT\n");
    return 2;
  }
  const std::vector<std::string> names = queries(words[4], number(3), number(6));
  if (words[1] == "table") return measure(Table(words[2]), names, number(5));
  if (words[1] == "map") return measure(Map(number(3)), names, number(5));
  return measure(Loop(), names, number(5));
}
