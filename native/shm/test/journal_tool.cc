// SPDX-License-Identifier: MPL-2.0
// A producer and a consumer for tests and measurements:
//   journal_tool --dir D [--count N] [--rate R] [--threads T] [--segment-bytes B] [--cap-bytes B]
//                [--payload B] [--bench] [--ack FILE]      appends synthetic LeaseEvents
//   journal_tool --dir D --consume FILE [--count N]        reads with a cursor of its own
// N: per thread, 0 = until killed. R: events/s per thread, 0 = as fast as it goes. B: of the payload, at
// least.
// --bench encodes beforehand and prints one line of JSON. --ack keeps, per thread, the last event whose
// append returned, in a file of 8-byte words, and goes on after it. The consumer appends (thread, n) as two
// 8-byte words per event to FILE, then moves its cursor; it ends after N events, 0 = when killed.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "shm/consumer.h"
#include "shm/producer.h"
#include "shm/test/lease_payload.h"

namespace {

using namespace nnoe::journal;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::map<std::string, std::string> values;
  bool has(const std::string& name) const { return values.count(name) != 0; }
  std::string text(const std::string& name) const { return has(name) ? values.at(name) : ""; }
  uint64_t number(const std::string& name, uint64_t otherwise) const {
    return has(name) ? std::strtoull(values.at(name).c_str(), nullptr, 10) : otherwise;
  }
};

int usage() {
  std::fprintf(stderr,
               "usage: journal_tool --dir D [--count N] [--rate R] [--threads T] [--segment-bytes B]\n"
               "         [--cap-bytes B] [--payload B] [--bench] [--ack FILE] | --consume FILE\n");
  return 2;
}

// Per thread: a word in a shared mapping, so that a SIGKILL of this process does not take it away.
uint64_t* map_acks(const std::string& file, uint64_t threads) {
  if (file.empty()) return nullptr;
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(threads * 8)) != 0) return nullptr;
  void* at = ::mmap(nullptr, threads * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  return at == MAP_FAILED ? nullptr : static_cast<uint64_t*>(at);
}

struct Work {
  Producer* producer;
  uint64_t count, rate;
  size_t filler;
  uint64_t* acks;
  std::vector<nnoe::test::LeasePayload> ready;  // --bench: 1,024 of them, used in turn
};

void produce(const Work& work, uint32_t thread) {
  const auto began = Clock::now();
  uint64_t n = work.acks != nullptr ? work.acks[thread] : 0;
  const uint64_t first = n;
  while (work.count == 0 || n < work.count) {
    ++n;
    const uint64_t key = nnoe::test::LeasePayload::key(thread, n);
    if (!work.ready.empty()) {
      const auto& payload = work.ready[n % work.ready.size()];
      work.producer->append(Kind::kLease, key, payload.data(), payload.size());
    } else {
      const nnoe::test::LeasePayload payload(thread, n, work.filler);
      while (work.producer->append(Kind::kLease, key, payload.data(), payload.size()) == 0) ::usleep(1000);
    }
    if (work.acks != nullptr) __atomic_store_n(&work.acks[thread], n, __ATOMIC_RELEASE);
    if (work.rate == 0) continue;
    const auto due = began + std::chrono::microseconds((n - first) * 1000000 / work.rate);
    if (due > Clock::now()) std::this_thread::sleep_until(due);
  }
}

int append(const Arguments& arguments) {
  Options options;
  options.directory = arguments.text("dir");
  options.segment_bytes = arguments.number("segment-bytes", options.segment_bytes);
  options.cap_bytes = arguments.number("cap-bytes", options.cap_bytes);
  options.report = [&](Event event, const std::string& detail) {
    if (!arguments.has("bench"))
      std::fprintf(stderr, "report %d: %s\n", static_cast<int>(event), detail.c_str());
  };
  options.on_request = [](Request) { std::printf("walk requested\n"); };
  const auto producer = Producer::open(options);
  const uint64_t threads = arguments.number("threads", 1);
  const uint64_t bytes = arguments.number("payload", 0);
  const size_t bare = nnoe::test::LeasePayload(0, 0).size();
  Work work{producer.get(),
            arguments.number("count", 0),
            arguments.number("rate", 0),
            bytes > bare ? bytes - bare : 0,
            map_acks(arguments.text("ack"), threads),
            {}};
  for (uint64_t n = 1; arguments.has("bench") && n <= 1024; ++n) work.ready.emplace_back(0, n, work.filler);
  const auto began = Clock::now();
  std::vector<std::thread> others;
  for (uint32_t t = 1; t < threads; ++t) others.emplace_back([&work, t] { produce(work, t); });
  produce(work, 0);
  for (std::thread& other : others) other.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const auto total = static_cast<double>(work.count * threads);
  const Status status = producer->status();
  std::printf(
      "{\"events\":%.0f,\"seconds\":%.4f,\"events_per_s\":%.0f,\"head\":%llu,\"segments\":%llu,\"dropped\":%"
      "llu}\n",
      total, seconds, total / seconds, static_cast<unsigned long long>(status.head),
      static_cast<unsigned long long>(status.segments), static_cast<unsigned long long>(status.dropped));
  return 0;
}

void wait_for_signal(Consumer& consumer) {
  pollfd fd{consumer.wake_fd(), POLLIN, 0};
  ::poll(&fd, 1, 1000);
  Consumer::drain(consumer.wake_fd());
}

int consume(const Arguments& arguments) {
  Refusal refusal = Refusal::kNone;
  Error error;
  std::unique_ptr<Consumer> consumer;
  for (int attempt = 0; attempt < 200 && !consumer; ++attempt) {
    if (attempt > 0) ::usleep(20000);
    consumer = Consumer::open(arguments.text("dir"), refusal, error);
  }
  const Fd out(::open(arguments.text("consume").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  uint64_t after = 0;
  for (const CursorState& cursor : consumer ? consumer->cursors() : std::vector<CursorState>())
    after = cursor.seq;
  const auto reader = consumer ? consumer->reader(after, error) : nullptr;
  if (!reader || !out) return std::fprintf(stderr, "%s\n", error.text.c_str()), 1;
  uint64_t left = arguments.number("count", 0);
  for (bool armed = false;;) {
    std::vector<uint64_t> words;
    Record record;
    while (words.size() < 2048 && reader->peek(record)) {
      const auto maker = nnoe::test::maker_of(record.payload, record.size);
      if (record.kind == static_cast<uint8_t>(Kind::kLease))
        words.insert(words.end(), {maker.thread, maker.n});
      if (record.kind == static_cast<uint8_t>(Kind::kGap))
        words.insert(words.end(), {~uint64_t{0}, record.seq});
      reader->consume();
    }
    if (!words.empty()) {
      if (::write(out.get(), words.data(), words.size() * 8) < 0) return 1;
      if (!consumer->set_cursor("tool", reader->position(), error)) return 1;
      if (left != 0 && (left -= std::min<uint64_t>(left, words.size() / 2)) == 0) return 0;
      armed = false;
    } else if (!armed) {
      consumer->arm();
      armed = true;  // and look once more
    } else {
      wait_for_signal(*consumer);
      armed = false;
    }
  }
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word.size() < 3 || word.compare(0, 2, "--") != 0) return usage();
    const bool flag = word == "--bench";
    if (!flag && i + 1 == count) return usage();
    arguments.values[word.substr(2)] = flag ? "1" : words[++i];
  }
  if (!arguments.has("dir")) return usage();
  return arguments.has("consume") ? consume(arguments) : append(arguments);
}
