// SPDX-License-Identifier: MPL-2.0
// list_parse FORMAT FILE: reads a list file as the host does and prints
// {"rows","names","bad","bytes","seconds","rows_per_second","peak_kb"}; seconds are of the
// thread's processor time.
// list_parse generate FORMAT ROWS FILE: writes a file of that many rows, always the same.
#include <time.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "memory.h"
#include "shm/tables/list_file.h"

namespace {

using namespace nnoe::tables;

// Counts, and keeps what it was given from being optimised away.
class Counting : public ListSink {
 public:
  void name(const uint8_t* wire, size_t size, Reach, Stance) override {
    asm volatile("" : : "r"(wire), "r"(size) : "memory");
    ++names;
  }
  void unicode(std::string_view, Reach, Stance, uint64_t) override {}
  uint64_t names = 0;
};

// xorshift64*: the same names on every machine.
uint64_t next(uint64_t& state) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1du;
}

std::string label(uint64_t& state) {
  std::string out;
  for (uint64_t left = 4 + next(state) % 12; left > 0; --left)
    out.push_back("abcdefghijklmnopqrstuvwxyz0123456789-"[next(state) >> 32 & 31]);
  return out;
}

// Processor time of this thread.
double thread_seconds() {
  struct timespec now {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string row(const std::string& format, const std::string& name) {
  if (format == "hosts") return "0.0.0.0 " + name;
  if (format == "adblock") return "||" + name + "^";
  if (format == "dnsmasq") return "address=/" + name + "/";
  return format == "rpz" ? name + " CNAME ." : name;
}

int generate(const std::string& format, uint64_t rows, const char* path) {
  static const char* const kTops[] = {"com", "net", "org", "info", "co.uk", "top", "xyz", "de"};
  FILE* file = std::fopen(path, "w");
  if (file == nullptr) return std::perror(path), 1;
  uint64_t state = 42;
  for (uint64_t i = 0; i < rows; ++i) {
    std::string name = label(state) + '.' + kTops[next(state) % 8];
    if (next(state) % 3 == 0) name = label(state) + '.' + name;
    std::fprintf(file, "%s\n", row(format, name).c_str());
  }
  return std::fclose(file) == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  if (count == 5 && std::strcmp(words[1], "generate") == 0)
    return generate(words[2], std::strtoull(words[3], nullptr, 10), words[4]);
  ListOptions options;
  if (count != 3 || !list_format_of(words[1], options.format)) {
    std::fprintf(stderr, "usage: list_parse FORMAT FILE | list_parse generate FORMAT ROWS FILE\n");
    return 2;
  }
  Counting sink;
  ListReport report;
  std::string why;
  const double begin = thread_seconds();
  const ListRead read = read_list_file(words[2], options, sink, report, why);
  const double elapsed = thread_seconds() - begin;
  if (read != ListRead::kRead) return std::fprintf(stderr, "%s\n", why.c_str()), 1;
  std::printf("{\"rows\":%" PRIu64 ",\"names\":%" PRIu64 ",\"bad\":%" PRIu64 ",\"bytes\":%" PRIu64
              ",\"seconds\":%.6f,\"rows_per_second\":%.0f,\"peak_kb\":%" PRIu64 "}\n",
              report.lines, sink.names, report.bad(), report.bytes, elapsed,
              static_cast<double>(report.lines) / elapsed, nnoe::bench::memory_kb("VmHWM"));
  return 0;
}
