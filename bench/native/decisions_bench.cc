// SPDX-License-Identifier: MPL-2.0
// decisions_bench write QUERIES DIRECTORY   counts and records decisions and prints {"queries","ns"};
// `write-loop` does
//                                           all but that: take its instructions away
// decisions_bench drain SECONDS DIRECTORY   a thread that decides as fast as it can beside one that reads its
// records:
//                                           {"rate": records/s read,"written","delivered","lost","whole"}
// decisions_bench feed RATE SECONDS NAMES THREADS DIRECTORY   decides about NAMES different names, RATE times
// a
//                                           second in each thread (0: as fast as it can); prints {"written"}
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "shm/tables/decision_reader.h"
#include "shm/tables/decision_writer.h"

namespace {

using namespace nnoe::tables;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Keeps the compiler from removing what a loop does.
inline void keep(const void* pointer) { asm volatile("" : : "r"(pointer) : "memory"); }

// A query as dnsdist sees most: a name of three labels, asked over IPv4.
struct Asked {
  uint8_t address[4] = {10, 1, 2, 3};
  uint8_t name[slot::kNameMove] = "\3www\7example\3com";
  Question question{address, sizeof address, 17, name, 1};
  Verdict verdict{Act::kAllow, Reason::kPolicy, 0, 3, kNoList, 12};
  // In the name's first label, and in the address.
  void number(uint32_t value) noexcept {
    name[0] = 8;
    for (size_t i = 0; i < 8; ++i) name[1 + i] = static_cast<uint8_t>('a' + (value >> (4 * i) & 15));
    std::memcpy(name + 9, "\7example", 9);
    question.name_bytes = 18;
    std::memcpy(address, &value, sizeof value);
  }
  void vary(uint64_t i) noexcept {
    address[3] = static_cast<uint8_t>(i);
    verdict.role_set = static_cast<uint16_t>(i & 63);
    keep(this);
  }
  void tell(Slot& slot) const noexcept {
    const PackedVerdict packed(verdict);
    slot.count(packed);
    slot.record(question, name, question.name_bytes, packed, verdict.generation);
  }
};

int write(uint64_t queries, const std::string& directory, bool write) {
  DecisionOptions options;
  const auto writer = DecisionWriter::create(directory, options);
  Slot* slot = writer->claim();
  std::string why;
  if (!writer->maintain(why)) {
    std::fprintf(stderr, "clients_bench: %s\n", why.c_str());
    return 1;
  }
  Asked asked;
  const auto begin = Clock::now();
  for (uint64_t i = 0; i < queries; ++i) {
    asked.vary(i);
    if (!write) continue;
    asked.tell(*slot);
  }
  const double ns = seconds_since(begin) * 1e9 / static_cast<double>(queries);
  std::printf("{\"queries\":%" PRIu64 ",\"ns\":%.2f}\n", queries, ns);
  return 0;
}

int drain(double seconds, const std::string& directory) {
  DecisionOptions options;
  const auto writer = DecisionWriter::create(directory, options);
  Slot* slot = writer->claim();
  std::string why;
  std::vector<std::string> names;
  if (!writer->maintain(why) || !DecisionReader::list(directory, names, why)) return 1;
  const auto reader = DecisionReader::open(directory + "/" + names.at(0), why);
  if (!reader) return 1;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> written{0};
  std::thread decides([&] {
    Asked asked;
    uint64_t i = 0;
    for (; !stop.load(std::memory_order_relaxed); ++i) {
      asked.vary(i);
      asked.tell(*slot);
    }
    written = i;
  });
  Bytes batch(4 * kRingBlock);
  const auto begin = Clock::now();
  while (seconds_since(begin) < seconds) reader->read(batch.data(), batch.size());
  const double took = seconds_since(begin);
  const uint64_t delivered = reader->delivered();
  stop = true;
  decides.join();
  while (reader->read(batch.data(), batch.size()) != 0) continue;
  const bool whole = reader->delivered() + reader->lost() == written && reader->damaged() == 0;
  std::printf("{\"rate\":%.0f,\"written\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"lost\":%" PRIu64
              ",\"whole\":%s}\n",
              static_cast<double>(delivered) / took, written.load(), reader->delivered(), reader->lost(),
              whole ? "true" : "false");
  return whole ? 0 : 1;
}

// Decides in so many threads, at `rate` a second each (0: as fast as it can), each name and client out of
// `names`; a host elsewhere reads. Prints what was counted.
int feed(uint64_t rate, double seconds, uint32_t names, size_t threads, const std::string& directory) {
  const auto writer = DecisionWriter::create(directory, {});
  std::vector<Slot*> slots;
  for (size_t i = 0; i < threads; ++i) slots.push_back(writer->claim());
  std::string why;
  for (int tries = 0; !writer->maintain(why); ++tries) {
    if (tries == 500) return std::fprintf(stderr, "decisions_bench: %s\n", why.c_str()), 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::atomic<uint64_t> written{0};
  const auto decide = [&](Slot* slot) {
    Asked asked;
    uint64_t i = 0;
    const auto begin = Clock::now();
    for (double at = 0; at < seconds; at = seconds_since(begin)) {
      const uint64_t due = rate == 0 ? i + 1024 : static_cast<uint64_t>(at * static_cast<double>(rate));
      for (; i < due; ++i) {
        asked.vary(i);
        asked.number(static_cast<uint32_t>(i % names));
        asked.tell(*slot);
      }
      if (rate != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    written += i;
  };
  std::vector<std::thread> all;
  for (Slot* slot : slots) all.emplace_back(decide, slot);
  for (std::thread& each : all) each.join();
  std::printf("{\"written\":%" PRIu64 "}\n", written.load());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string mode = words.size() == 3 ? words[0] : "";
  if (mode == "write" || mode == "write-loop")
    return write(std::strtoull(words[1].c_str(), nullptr, 10), words[2], mode == "write");
  if (mode == "drain") return drain(std::strtod(words[1].c_str(), nullptr), words[2]);
  if (words.size() == 6 && words[0] == "feed")
    return feed(std::strtoull(words[1].c_str(), nullptr, 10), std::strtod(words[2].c_str(), nullptr),
                static_cast<uint32_t>(std::strtoul(words[3].c_str(), nullptr, 10)),
                std::strtoul(words[4].c_str(), nullptr, 10), words[5]);
  std::fprintf(stderr,
               "usage: decisions_bench write|write-loop QUERIES DIRECTORY, drain SECONDS DIRECTORY,\n"
               "       feed RATE SECONDS NAMES THREADS DIRECTORY\n");
  return 2;
}
