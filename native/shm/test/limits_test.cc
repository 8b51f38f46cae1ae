// SPDX-License-Identifier: MPL-2.0
// The cap, the disk, permissions, cursors and the doorbell.
#include <doctest/doctest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>

#include "shm/test/support.h"

using namespace nnoe::test;
using nnoe::event::GapReason;

namespace {

// Runs `work` in a child process and returns whether it returned true.
bool in_child(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = 1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// In a child a condition that does not hold can only be told on stderr.
bool need(bool holds, const char* what) {
  if (!holds) std::fprintf(stderr, "does not hold: %s\n", what);
  return holds;
}
#define NEED(condition) \
  if (!need(static_cast<bool>(condition), #condition)) return false

bool signalled(Consumer& host, int timeout_ms) {
  pollfd fd{host.wake_fd(), POLLIN, 0};
  const bool came = ::poll(&fd, 1, timeout_ms) == 1;
  Consumer::drain(host.wake_fd());
  return came;
}

}  // namespace

TEST_CASE("at the cap the oldest records go, and who had not read them is told which") {
  const TempDir dir;
  Told told;
  auto given = options(dir.path(), &told);
  given.cap_bytes = 4 * given.segment_bytes;
  const auto producer = Producer::open(given);
  const uint64_t first = append(*producer, std::string(1000, 'x'));
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  const auto reader = host->reader(first, error);
  for (int i = 0; i < 1000; ++i) REQUIRE(append(*producer, std::string(1000, 'x')) != 0);
  CHECK(told.count(Event::kOverrun) > 0);
  CHECK(producer->status().bytes <= given.cap_bytes);
  const auto items = drain(*reader);
  uint64_t expected = first + 1;
  size_t gaps = 0;
  for (const Item& item : items) {
    if (item.kind == Kind::kGap) {
      const GapFields gap = gap_of(item);
      CHECK(gap.reason() == GapReason::kOverrun);
      CHECK(gap.field[nnoe::event::gap::kFirst] == expected);
      CHECK(gap.field[nnoe::event::gap::kLast] == item.seq);
      ++gaps;
    } else {
      REQUIRE(item.seq == expected);
    }
    expected = item.seq + 1;
  }
  CHECK(gaps >= 1);  // one more when the producer still drops while this reads
  CHECK(expected == producer->head() + 1);
  // One who begins now has missed the beginning, and is told so.
  const auto begun = host->reader(0, error);
  CHECK(gap_of(drain(*begun).at(0)).reason() == GapReason::kOverrun);
}

TEST_CASE("segments that every cursor has passed are freed, and no others") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path()));
  for (int i = 0; i < 500; ++i) append(*producer, std::string(1000, 'x'));
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  const uint64_t before = producer->status().segments;
  REQUIRE(before > 6);
  ::usleep(1200000);
  CHECK(producer->status().segments == before);  // nobody has read anything
  REQUIRE(host->set_cursor("fast", producer->head(), error));
  REQUIRE(host->set_cursor("slow", producer->head() - 250, error));
  CHECK(eventually([&] { return producer->status().segments < before; }));
  const uint64_t half = producer->status().segments;
  CHECK(producer->status().oldest <= producer->head() - 249);
  CHECK(producer->backlog_bytes() <= 600000);
  CHECK(eventually([&] { return producer->backlog_bytes() > 250000; }));
  REQUIRE(host->remove_cursor("slow", error));
  CHECK(eventually([&] { return producer->status().segments == 1; }));
  CHECK(half > 1);
  CHECK(eventually([&] { return producer->backlog_bytes() == 0; }));
}

TEST_CASE("a cursor survives damage to either of its slots") {
  const TempDir dir;
  Producer::open(options(dir.path()));
  const auto host = consumer(dir.path());
  nnoe::journal::Error error;
  REQUIRE(host->set_cursor("leases", 41, error));
  REQUIRE(host->set_cursor("leases", 42, error));
  const std::string path = dir.path() + "/cursors/leases.cur";
  const std::string good = read_file(path);
  REQUIRE(good.size() == 256);
  for (size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ 0x10);
    write_file(path, bad);
    REQUIRE(host->cursors().size() == 1);
    const uint64_t seq = host->cursors()[0].seq;
    REQUIRE((seq == 41 || seq == 42));
  }
  write_file(path, good.substr(0, 100));
  CHECK(host->cursors().empty());
  for (const char* name : {"", "../x", "a/b", ".hidden", "UPPER", "with space"}) {
    CHECK_FALSE(host->set_cursor(name, 1, error));
  }
}

TEST_CASE("a full disk: appends are dropped and counted, Kea's thread goes on, a Gap record says so") {
  if (::getuid() != 0) {
    MESSAGE("needs root for what follows");
    return;
  }
  const TempDir dir;
  CHECK(in_child([&] {
    NEED(::unshare(CLONE_NEWNS) == 0);
    NEED(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    NEED(::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=512k") == 0);
    Told told;
    const auto producer = Producer::open(options(dir.path() + "/journal", &told));
    uint64_t kept = 0;
    uint64_t lost = 0;
    for (int i = 0; i < 1000; ++i) (append(*producer, std::string(1000, 'x')) != 0 ? kept : lost) += 1;
    NEED(kept > 300);
    NEED(lost > 300);
    NEED(told.count(Event::kUnwritable) == 1);
    NEED(producer->status().dropped == lost);
    NEED(!producer->status().reason.empty());
    NEED(::mount("tmpfs", dir.path().c_str(), "tmpfs", MS_REMOUNT, "size=4m") == 0);
    NEED(eventually([&] { return producer->status().writable; }));
    NEED(append(*producer, "again") != 0);
    const auto items = read_all(dir.path() + "/journal");
    NEED(items.size() == kept + 3);
    const GapFields gap = gap_of(items[items.size() - 2]);
    NEED(gap.reason() == GapReason::kUnwritable);
    NEED(gap.field[nnoe::event::gap::kCount] == lost);
    NEED(items.back().payload == "again");
    return true;
  }));
}

TEST_CASE(
    "no permission, a read-only disk, a file where the directory should be: not writable, with the reason") {
  const TempDir dir;
  write_file(dir.path() + "/file", "x");
  {
    const auto producer = Producer::open(options(dir.path() + "/file/journal"));
    CHECK_FALSE(producer->status().writable);
    CHECK(producer->status().reason.find("file") != std::string::npos);
    CHECK(append(*producer, "x") == 0);
    CHECK(producer->status().dropped == 1);
  }
  if (::getuid() != 0) {
    MESSAGE("needs root for what follows");
    return;
  }
  ::chmod(dir.path().c_str(), 0755);
  CHECK(in_child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    Told told;
    const auto denied = Producer::open(options(dir.path() + "/journal", &told));
    return append(*denied, "x") == 0 &&
           denied->status().reason.find("Permission denied") != std::string::npos;
  }));
  Producer::open(options(dir.path() + "/journal"));
  ::chmod((dir.path() + "/journal").c_str(), 0700);
  CHECK(in_child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    Refusal refusal = Refusal::kNone;
    nnoe::journal::Error error;
    const auto denied = Producer::open(options(dir.path() + "/journal"));
    return !Consumer::open(dir.path() + "/journal", refusal, error) && refusal == Refusal::kDenied &&
           !denied->status().writable;
  }));
  CHECK(in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return false;
    if (::mount(dir.path().c_str(), dir.path().c_str(), "", MS_BIND, nullptr) != 0) return false;
    if (::mount("", dir.path().c_str(), "", MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) return false;
    const auto refused = Producer::open(options(dir.path() + "/journal"));
    return append(*refused, "x") == 0 && refused->status().reason.find("Read-only") != std::string::npos;
  }));
}

TEST_CASE("the producer signals a host that sleeps, once; and a fresh producer signals") {
  const TempDir dir;
  std::atomic<int> walks{0};
  auto given = options(dir.path());
  given.on_request = [&](Request) { ++walks; };
  auto producer = Producer::open(given);
  const auto host = consumer(dir.path());
  CHECK(signalled(*host, 2000));  // it has just begun
  append(*producer, "x");
  CHECK_FALSE(signalled(*host, 100));  // nobody sleeps
  host->arm();
  CHECK(signalled(*host, 2000));  // "x" may be unseen
  host->arm();
  CHECK_FALSE(signalled(*host, 100));
  append(*producer, "y");
  append(*producer, "z");
  CHECK(signalled(*host, 2000));
  CHECK_FALSE(signalled(*host, 100));
  host->request_walk();
  CHECK(eventually([&] { return walks == 1; }));
  producer = nullptr;
  producer = Producer::open(given);
  CHECK(signalled(*host, 2000));
}

TEST_CASE("an idle producer uses no time") {
  const TempDir dir;
  const auto producer = Producer::open(options(dir.path()));
  ::usleep(100000);
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  ::usleep(1500000);
  ::getrusage(RUSAGE_SELF, &after);
#ifdef __SANITIZE_THREAD__
  constexpr long kMost = 60;  // the sanitizer has a thread of its own
#else
  constexpr long kMost = 3;  // this sleep, and little else
#endif
  CHECK(after.ru_nvcsw - before.ru_nvcsw <= kMost);
}
