// SPDX-License-Identifier: MPL-2.0
// kill_test [KILLS [SEED]]: a producer of several threads and a consumer, each a process of its own, are
// killed at random times and started again. At the end every event whose append returned has been
// delivered, in order per thread; only repetitions after a consumer's cursor are allowed.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "shm/test/support.h"

namespace {

constexpr uint64_t kThreads = 3;

std::string tool(const char* self) {
  const std::string path = self;
  return path.substr(0, path.rfind('/') + 1) + "journal_tool";
}

pid_t start(const std::vector<std::string>& words) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int null = ::open("/dev/null", O_WRONLY);
  ::dup2(null, 1);
  if (std::getenv("VERBOSE") == nullptr) ::dup2(null, 2);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

void stop(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

std::vector<uint64_t> words_of(const std::string& path) {
  const std::string bytes = nnoe::test::read_file(path);
  std::vector<uint64_t> words(bytes.size() / 8);
  std::memcpy(words.data(), bytes.data(), words.size() * 8);
  return words;
}

struct Count {
  uint64_t events = 0, repeated = 0, missing = 0, gaps = 0, unexpected = 0;
};

// `last`: per thread, the highest event delivered with none missing before it.
Count count(const std::vector<uint64_t>& delivered, std::vector<uint64_t>& last) {
  Count count;
  for (size_t i = 0; i + 1 < delivered.size(); i += 2) {
    const uint64_t thread = delivered[i];
    const uint64_t n = delivered[i + 1];
    if (thread == ~uint64_t{0}) {
      ++count.gaps;
    } else if (thread >= kThreads) {
      ++count.unexpected;
    } else if (n <= last[thread]) {
      ++count.repeated;
    } else {
      if (n != last[thread] + 1) ++count.missing;
      last[thread] = n;
      ++count.events;
    }
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const int kills = argc > 1 ? std::atoi(argv[1]) : 20;
  std::mt19937 random(argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 7);
  const nnoe::test::TempDir dir;
  const std::string journal = dir.path() + "/journal";
  const std::string acks = dir.path() + "/acks";
  const std::string out = dir.path() + "/out";
  const std::vector<std::string> produce = {
      tool(argv[0]), "--dir", journal,           "--threads", std::to_string(kThreads), "--ack", acks,
      "--rate",      "20000", "--segment-bytes", "262144"};
  const std::vector<std::string> consume = {tool(argv[0]), "--dir", journal, "--consume", out};
  pid_t producer = start(produce);
  pid_t consumer = start(consume);
  for (int i = 0; i < kills; ++i) {
    ::usleep(static_cast<useconds_t>(50000 + random() % 400000));
    const auto who = random() % 3;  // producer, consumer, both at once
    if (who != 1) stop(producer);
    if (who != 0) stop(consumer);
    if (who != 1) producer = start(produce);
    if (who != 0) consumer = start(consume);
  }
  ::usleep(300000);
  stop(producer);
  const std::vector<uint64_t> acked = words_of(acks);
  std::vector<uint64_t> last(kThreads, 0);
  Count counted;
  const bool complete = nnoe::test::eventually([&] {
    last.assign(kThreads, 0);
    counted = count(words_of(out), last);
    for (size_t t = 0; t < kThreads; ++t) {
      if (acked.size() != kThreads || last[t] < acked[t]) return false;
    }
    return true;
  });
  stop(consumer);
  std::printf(
      "%d kills, %llu events, %llu repeated, %llu missing, %llu gaps, %llu unexpected, complete: %s\n", kills,
      static_cast<unsigned long long>(counted.events), static_cast<unsigned long long>(counted.repeated),
      static_cast<unsigned long long>(counted.missing), static_cast<unsigned long long>(counted.gaps),
      static_cast<unsigned long long>(counted.unexpected), complete ? "yes" : "no");
  // One gap: the record with which a journal begins. It may be repeated like any other before the first
  // cursor.
  const bool good = complete && counted.missing == 0 && counted.unexpected == 0 && counted.events > 0 &&
                    counted.gaps >= 1 && counted.gaps <= 2;
  return good ? 0 : 1;
}
