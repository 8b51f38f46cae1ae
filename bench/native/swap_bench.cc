// SPDX-License-Identifier: MPL-2.0
// swap_bench make DIRECTORY NAMES TURN
//   publishes the site with one list of NAMES names; other ones in every turn but the first: {"bytes"}, of
//   all sections
// swap_bench load LIBRARY DIRECTORY NAMES SWAPS THREADS PAUSE
//   makes it, then replaces the list SWAPS times, every PAUSE ms, while THREADS threads ask; the processor
//   time that each call takes of its thread: {"calls","swaps","longest","late","machine"}, longest in us, and
//   `late`, calls by how long they took, at most [1, 2, 5, 10, 20, 50, 100, 1000] us and longer. `machine`
//   has the same two of a loop of arithmetic that takes a turn after each call: what interrupts do to any
//   code. With 0 swaps it asks for as long as 40 pauses take.
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <fstream>
#include <thread>

#include "bridge_library.h"
#include "verdict_tables.h"

namespace {

using namespace nnoe;
using namespace nnoe::bench;

constexpr Sizes kFew{10000, 1000, 0};
constexpr int kList = 0;
constexpr std::array<uint64_t, 8> kBounds{1, 2, 5, 10, 20, 50, 100, 1000};  // us

tables::Change names_of_turn(const std::string& directory, uint64_t names, uint64_t turn) {
  return {tables::Section::kNames, names_body(directory + ".names", turn * names, names, kList)};
}

int make(const std::string& directory, uint64_t names, uint64_t turn) {
  Site site(directory);
  std::vector<tables::Change> changes;
  if (turn == 0) changes = site.sections(kFew);
  changes.push_back(names_of_turn(directory, names, turn));
  site.publish(changes);
  std::printf("{\"bytes\":%" PRIu64 "}\n", site.bytes());
  return 0;
}

uint64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

struct Calls {
  uint64_t count = 0;
  uint64_t longest_ns = 0;
  std::array<uint64_t, kBounds.size() + 1> by_length{};

  void add(uint64_t ns) {
    ++count;
    longest_ns = std::max(longest_ns, ns);
    size_t i = 0;
    while (i < kBounds.size() && ns > kBounds[i] * 1000) ++i;
    ++by_length[i];
  }
  void add(const Calls& other) {
    count += other.count;
    longest_ns = std::max(longest_ns, other.longest_ns);
    for (size_t i = 0; i < by_length.size(); ++i) by_length[i] += other.by_length[i];
  }
};

// About as long as a call, and nothing but registers.
void idle_turn() {
  uint64_t value = 1;
  for (int i = 0; i < 50; ++i) {
    value = value * 6364136223846793005u + 1;
    asm volatile("" : "+r"(value));
  }
}

struct Asked {
  Calls calls;
  Calls machine;
};

// What the clock itself takes is in every call.
Asked ask(const Bridge& bridge, const Queries& queries, const std::atomic<bool>& stop) {
  Asked asked;
  nnoe_verdict verdict{};
  // A thread's first call registers it.
  bridge.decide(bridge.handle(), queries[0].address, 4, queries[0].name, queries[0].name_bytes, 1, &verdict);
  for (size_t at = 0; !stop.load(std::memory_order_relaxed); at = at + 1 == queries.size() ? 0 : at + 1) {
    const Queries::View q = queries[at];
    const uint64_t begin = cpu_ns();
    bridge.decide(bridge.handle(), q.address, 4, q.name, q.name_bytes, q.type, &verdict);
    asked.calls.add(cpu_ns() - begin);
    if (verdict.generation == 0) fail("a verdict without tables");
    const uint64_t idle = cpu_ns();
    idle_turn();
    asked.machine.add(cpu_ns() - idle);
  }
  return asked;
}

// ms that the bridge took.
double swap(Site& site, const Bridge& bridge, const tables::Change& change) {
  const uint64_t generation = site.publish({change});
  const auto begin = std::chrono::steady_clock::now();
  for (int ms = 0; bridge.generation() != generation; ++ms) {
    if (ms > 60000) fail("the bridge does not take the next generation");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

// Bytes of this process in memory.
uint64_t resident() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0;
  uint64_t pages = 0;
  if (!(statm >> size >> pages)) fail("/proc/self/statm cannot be read");
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

int grow(const std::string& library, const std::string& directory, const Sizes& sizes, uint64_t swaps) {
  Site site(directory);
  std::vector<tables::Change> first = site.sections(sizes);
  first.push_back(names_of_turn(directory, sizes.names, 0));
  site.publish(first);
  const tables::Section larger =
      sizes.names > sizes.hosts ? tables::Section::kNames : tables::Section::kHosts;
  const tables::Change change =
      *std::find_if(first.begin(), first.end(), [&](const auto& one) { return one.kind == larger; });
  first.clear();
  ::malloc_trim(0);
  const uint64_t before = resident();
  const Bridge bridge(library, directory, "");
  std::printf("{\"bytes\":%" PRIu64 ",\"resident\":%" PRIu64 ",\"taken\":[", site.bytes(),
              resident() - before);
  for (uint64_t i = 0; i < swaps; ++i) std::printf("%s%.2f", i == 0 ? "" : ",", swap(site, bridge, change));
  std::printf("]}\n");
  return 0;
}

void print(const Calls& calls) {
  std::printf("\"longest\":%.1f,\"late\":[", static_cast<double>(calls.longest_ns) / 1e3);
  for (size_t i = 0; i < calls.by_length.size(); ++i)
    std::printf("%s%" PRIu64, i == 0 ? "" : ",", calls.by_length[i]);
  std::printf("]");
}

int load(const std::string& library, const std::string& directory, uint64_t names,
         const uint64_t (&words)[3]) {
  const auto [swaps, threads, pause] = words;
  Site site(directory);
  const tables::Change turns[2] = {names_of_turn(directory, names, 0), names_of_turn(directory, names, 1)};
  std::vector<tables::Change> first = site.sections(kFew);
  first.push_back(turns[0]);
  site.publish(first);
  const Queries queries = queries_of("mixed", {kFew.hosts, kFew.subnets, 2 * names}, 200000);
  const Bridge bridge(library, directory, "");
  std::atomic<bool> stop{false};
  std::vector<Asked> each(threads);
  std::vector<std::thread> asking;
  for (Asked& asked : each) asking.emplace_back([&] { asked = ask(bridge, queries, stop); });
  const auto rest = [&, ms = pause] { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
  rest();
  for (uint64_t i = 1; i <= swaps; ++i) {
    swap(site, bridge, turns[i % 2]);
    rest();
  }
  for (int i = 0; swaps == 0 && i < 40; ++i) rest();
  stop = true;
  for (std::thread& thread : asking) thread.join();
  Asked all;
  for (const Asked& asked : each) {
    all.calls.add(asked.calls);
    all.machine.add(asked.machine);
  }
  std::printf("{\"calls\":%" PRIu64 ",\"swaps\":%" PRIu64 ",", all.calls.count, swaps);
  print(all.calls);
  std::printf(",\"machine\":{");
  print(all.machine);
  std::printf("}}\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](size_t i) -> uint64_t { return std::strtoull(words[i].c_str(), nullptr, 10); };
  if (words.size() == 4 && words[0] == "make") return make(words[1], number(2), number(3));
  if (words.size() == 7 && words[0] == "load")
    return load(words[1], words[2], number(3), {number(4), number(5), number(6)});
  if (words.size() == 6 && words[0] == "grow")
    return grow(words[1], words[2], {number(3), 1000, number(4)}, number(5));
  std::fprintf(stderr,
               "usage: swap_bench grow LIBRARY DIRECTORY HOSTS NAMES SWAPS | make DIRECTORY NAMES TURN | "
               "load LIBRARY DIRECTORY NAMES SWAPS THREADS PAUSE\n");
  return 2;
}
