// SPDX-License-Identifier: MPL-2.0
// verdict_bench publish DIRECTORY HOSTS SUBNETS NAMES
//   makes the site's tables: {"generation","bytes"}
// verdict_bench ask WAY DIRECTORY HOSTS SUBNETS NAMES KIND QUERIES DISTINCT THREADS
//   asks QUERIES a thread, DISTINCT different ones in turn, each when the one before is answered. WAY: a
//   libnnoe_dnsdist.so, or `simple` (verdict_simple.h) with one thread. KIND: see verdict_data.h; `zipf-KIND`
//   draws QUERIES out of DISTINCT by Zipf's law instead, and asks them once before they are timed. Prints
//   {"ns","rate","allowed","recorded","sum"}: ns of processor time a query, queries a second of processor
//   time of all threads together, and a sum over the verdicts that is the same for whatever gave the same.
// verdict_bench answers LIBRARY DIRECTORY HOSTS SUBNETS NAMES COUNT
//   COUNT lines: address, name, verdict in hexadecimal, the type behind the name
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cinttypes>

#include "bridge_library.h"
#include "shm/tables/decision_reader.h"
#include "verdict_simple.h"
#include "verdict_tables.h"

namespace {

using namespace nnoe;
using namespace nnoe::bench;

// Of this thread, s: what others on the machine do is not ours.
double cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The same for whoever says the same; generations have no part in it.
uint64_t meaning(const nnoe_verdict& v) {
  return Domains::mix(uint64_t{v.act} << 56 | uint64_t{v.reason} << 48 | uint64_t{v.action} << 32 |
                      uint64_t{v.role_set} << 16 | v.list);
}

struct Asked {
  double seconds = 0;
  uint64_t sum = 0;
  uint64_t allowed = 0;
};

volatile uint64_t nothing = 0;

struct Load {
  Queries queries;
  // Through all of them before the time counts.
  uint64_t warm;
};

// Few queries stay in the caches and are asked until they are there; many are asked cold.
Load load_of(const std::string& kind, const Sizes& sizes, uint64_t count, size_t distinct) {
  static const std::string kZipf = "zipf-";
  if (kind.rfind(kZipf, 0) == 0) return {zipf_of(kind.substr(kZipf.size()), sizes, count, distinct), 1};
  return {queries_of(kind, sizes, distinct), distinct <= 10000 ? 4u : 0u};
}

// Every query waits for the verdict of the one before, as if there were nothing else to do.
template <class Way>
double ask(Way&& way, const Queries& queries, size_t from, uint64_t count) {
  const uint64_t none = nothing;
  nnoe_verdict verdict{};
  size_t at = from % queries.size();
  const double begin = cpu();
  for (uint64_t i = 0; i < count; ++i) {
    way(queries[at], verdict);
    at += 1 + (verdict.act & none);
    if (at == queries.size()) at = 0;
  }
  return cpu() - begin;
}

template <class Way>
Asked summed(Way&& way, const Queries& queries) {
  Asked asked;
  for (size_t i = 0; i < queries.size(); ++i) {
    nnoe_verdict verdict{};
    way(queries[i], verdict);
    asked.sum += meaning(verdict);
    asked.allowed += verdict.act == 0 ? 1 : 0;
  }
  return asked;
}

void report(double seconds, uint64_t count, double rate, const Asked& asked, uint64_t recorded) {
  std::printf("{\"ns\":%.2f,\"rate\":%.0f,\"allowed\":%" PRIu64 ",\"recorded\":%" PRIu64
              ",\"sum\":\"%016" PRIx64 "\"}\n",
              seconds * 1e9 / static_cast<double>(count), rate, asked.allowed, recorded, asked.sum);
}

// Records that a bridge wrote, all of its threads together.
uint64_t recorded_in(const std::string& decisions) {
  std::vector<std::string> files;
  std::string why;
  if (!tables::DecisionReader::list(decisions, files, why) || files.size() != 1) fail("no decisions: " + why);
  const auto reader = tables::DecisionReader::open(decisions + "/" + files[0], why);
  if (!reader) fail(why);
  std::vector<uint8_t> buffer(size_t{1} << 20);
  // A slot's turn comes round again before all are known to be empty.
  for (uint32_t empty = 0; empty < tables::kMaxSlots;)
    empty = reader->read(buffer.data(), buffer.size()) == 0 ? empty + 1 : 0;
  return reader->delivered() + reader->lost();
}

int ask_bridge(const std::string& library, const std::string& directory, const Load& load, uint64_t count,
               size_t threads) {
  const Queries& queries = load.queries;
  const std::string decisions = directory + ".decisions-" + std::to_string(::getpid());
  std::filesystem::create_directories(decisions);
  const Bridge bridge(library, directory, decisions);
  const auto way = [&](const Queries::View& q, nnoe_verdict& verdict) {
    bridge.decide(bridge.handle(), q.address, 4, q.name, q.name_bytes, q.type, &verdict);
  };
  std::atomic<size_t> ready{0};
  std::vector<double> seconds(threads);
  const auto work = [&](size_t number) {
    // The helper thread sees within a second that somebody asks, and gives a place to record in.
    for (int i = 0; i < 250; ++i) {
      ask(way, queries, number, 1);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ask(way, queries, 0, queries.size() * load.warm);
    ready.fetch_add(1);
    while (ready.load() < threads) std::this_thread::yield();
    seconds[number] = ask(way, queries, number * queries.size() / threads, count);
  };
  std::vector<std::thread> others;
  for (size_t number = 1; number < threads; ++number) others.emplace_back(work, number);
  work(0);
  for (std::thread& other : others) other.join();
  double rate = 0;
  double sum = 0;
  for (const double each : seconds) {
    rate += static_cast<double>(count) / each;
    sum += each;
  }
  const uint64_t recorded = recorded_in(decisions);
  if (recorded < count * threads) fail("not every decision was recorded");
  const Asked asked = summed(way, queries);
  std::filesystem::remove_all(decisions);
  report(sum, count * threads, rate, asked, recorded);
  return 0;
}

int ask_simple(const Sizes& sizes, const Load& load, uint64_t count) {
  const Queries& queries = load.queries;
  Simple simple(sizes);
  const auto way = [&](const Queries::View& q, nnoe_verdict& verdict) { verdict = simple.decide(q); };
  ask(way, queries, 0, queries.size() * load.warm);
  const double seconds = ask(way, queries, 0, count);
  report(seconds, count, static_cast<double>(count) / seconds, summed(way, queries), 0);
  return 0;
}

std::string hex(const void* data, size_t size) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<const uint8_t*>(data)[i];
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

int answers(const std::string& library, const std::string& directory, const Queries& queries) {
  const Bridge bridge(library, directory, "");
  for (size_t i = 0; i < queries.size(); ++i) {
    const Queries::View q = queries[i];
    nnoe_verdict verdict{};
    bridge.decide(bridge.handle(), q.address, 4, q.name, q.name_bytes, q.type, &verdict);
    std::printf("%s %s %u %s\n", hex(q.address, 4).c_str(), hex(q.name, q.name_bytes).c_str(), q.type,
                hex(&verdict, sizeof verdict).c_str());
  }
  return 0;
}

int publish(const std::string& directory, const Sizes& sizes) {
  Site site(directory);
  std::vector<tables::Change> changes = site.sections(sizes);
  changes.push_back({tables::Section::kNames, names_body(directory + ".names", 0, sizes.names)});
  const uint64_t generation = site.publish(changes);
  std::printf("{\"generation\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", generation, site.bytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](size_t i) { return std::strtoull(words[i].c_str(), nullptr, 10); };
  const auto sizes = [&](size_t i) { return Sizes{number(i), number(i + 1), number(i + 2)}; };
  if (words.size() == 5 && words[0] == "publish") return publish(words[1], sizes(2));
  if (words.size() == 7 && words[0] == "answers")
    return answers(words[1], words[2], queries_of("everybody", sizes(3), number(6)));
  if (words.size() == 10 && words[0] == "ask") {
    const Load load = load_of(words[6], sizes(3), number(7), number(8));
    if (words[1] == "simple") return ask_simple(sizes(3), load, number(7));
    return ask_bridge(words[1], words[2], load, number(7), number(9));
  }
  std::fprintf(
      stderr,
      "usage: verdict_bench publish DIRECTORY HOSTS SUBNETS NAMES | ask LIBRARY|simple DIRECTORY HOSTS "
      "SUBNETS NAMES KIND QUERIES DISTINCT THREADS | answers LIBRARY DIRECTORY HOSTS SUBNETS NAMES COUNT\n");
  return 2;
}
