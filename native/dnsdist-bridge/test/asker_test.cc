// SPDX-License-Identifier: MPL-2.0
// The bridge's end of the socket on which it asks, against an end that does as it is told: the host's own is
// met by test/daemons/policies-asked.test.ts.
#include "dnsdist-bridge/asker.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>

#include "dnsdist-bridge/query.h"
#include "shm/tables/test/small_tables.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using nnoe::bridge::Options;
using nnoe::bridge::Runtime;
using nnoe::journal::Fd;
using nnoe::test::Asked;
using nnoe::test::SmallTables;
using nnoe::test::TempDir;

namespace {

bool within(int ms, const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

struct Heard {
  QuestionHead head{};
  std::string address;
  std::string name;
};

// Listens in a directory, and takes one connection at a time.
class Peer {
 public:
  explicit Peer(const std::string& directory) : path_(directory + "/" + kRulingSocket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path_.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path_.data(), path_.size());
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 4) == 0);
  }
  ~Peer() { ::unlink(path_.c_str()); }

  bool accept() {
    if (!ready(listener_.get())) return false;
    connection_ = Fd(::accept(listener_.get(), nullptr, nullptr));
    return static_cast<bool>(connection_);
  }
  bool hear(Heard& heard) {
    if (!ready(connection_.get()) || !take(&heard.head, sizeof heard.head)) return false;
    heard.address.resize(heard.head.address_bytes);
    heard.name.resize(heard.head.name_bytes);
    return take(heard.address.data(), heard.address.size()) && take(heard.name.data(), heard.name.size());
  }
  // Whether nothing is asked for so long.
  bool silent(int ms) { return !ready(connection_.get(), ms); }
  // Whether the other end has closed the connection.
  bool closed() {
    char bytes[512];
    ssize_t size = 1;
    while (size > 0 && ready(connection_.get())) size = ::recv(connection_.get(), bytes, sizeof bytes, 0);
    return size <= 0;
  }
  void say(const void* data, size_t size) {
    REQUIRE(::send(connection_.get(), data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
  }
  void rule(uint64_t number, uint16_t action, int64_t lasts_ms) {
    RulingHead head{};
    head.bytes = kRulingBytes;
    head.kind = static_cast<uint8_t>(RulingFrame::kRuling);
    head.version = kRulingVersion;
    head.number = number;
    head.action = action;
    head.from_ms = nnoe::journal::now_us() / 1000 - 1;
    head.until_ms = head.from_ms + 1 + static_cast<uint64_t>(lasts_ms);
    say(&head, sizeof head);
  }
  void put_off(uint64_t number, uint32_t again_ms) {
    RulingHead head{};
    head.bytes = kRulingBytes;
    head.kind = static_cast<uint8_t>(RulingFrame::kRuling);
    head.version = kRulingVersion;
    head.number = number;
    head.again_ms = again_ms;
    say(&head, sizeof head);
  }
  void hang_up() { connection_.reset(); }

 private:
  static bool ready(int fd, int ms = 5000) {
    pollfd event{fd, POLLIN, 0};
    return ::poll(&event, 1, ms) == 1;
  }
  bool take(void* to, size_t size) {
    return size == 0 || ::recv(connection_.get(), to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
  }

  std::string path_;
  Fd listener_;
  Fd connection_;
};

// Tables with one role set that is asked about by name, another by client too.
struct Site {
  explicit Site(uint64_t basis = 5) : tables(dir.path() + "/tables") { publish(basis); }

  void publish(uint64_t basis) {
    SmallTables next(dir.path() + "/tables", tables);
    next.map("192.0.2.0/24", {"guest"});
    next.map("198.51.100.0/24", {"kids"});
    next.list("seen", ListKind::kBlock);
    next.name("seen", "seen.example", Listed::kSubtree);
    next.take({"nobody"}, "seen", Act::kNxdomain);
    next.ask({"guest"}, Act::kRefused, false);
    next.ask({"kids"}, Act::kRefused, true);
    next.basis(basis);
    generation = next.publish();
  }

  std::unique_ptr<Runtime> start() {
    Options options;
    options.directory = dir.path() + "/tables";
    options.decisions = dir.path();
    std::string why;
    auto runtime = Runtime::start(options, why);
    REQUIRE_MESSAGE(runtime, why);
    return runtime;
  }

  TempDir dir;
  SmallTables tables;
  uint64_t generation = 0;
};

Verdict ask(Runtime& runtime, const char* client, const char* name, uint16_t type = 1) {
  const Asked asked(client, name, type);
  const Runtime::Query query(runtime, asked.question());
  return query.verdict().unpacked(query.generation());
}

bool misses(Runtime& runtime, const char* client, const char* name) {
  const Verdict verdict = ask(runtime, client, name);
  return verdict.reason == Reason::kFallbackMiss && verdict.act == Act::kRefused;
}

bool becomes(Runtime& runtime, const char* client, const char* name, Act act) {
  return within(5000, [&] {
    const Verdict verdict = ask(runtime, client, name);
    return verdict.reason == Reason::kFallback && verdict.act == act;
  });
}

}  // namespace

TEST_CASE("a query meets on-miss and is asked about once; then it meets the answer until that ends") {
  Site site;
  Peer peer(site.dir.path());
  const auto runtime = site.start();
  for (int i = 0; i < 10; ++i) CHECK(misses(*runtime, "192.0.2.1", "WWW.seen.Example"));
  REQUIRE(peer.accept());
  Heard heard;
  // What was asked before there was a connection is lost, and asked again by whoever misses it.
  REQUIRE(
      within(5000, [&] { return misses(*runtime, "192.0.2.1", "www.seen.example") && !peer.silent(20); }));
  REQUIRE(peer.hear(heard));
  CHECK(heard.head.basis == 5);
  CHECK(heard.head.type == 1);
  CHECK(heard.address.empty());
  CHECK(heard.name == nnoe::test::wire_name("www.seen.example"));
  CHECK(heard.head.lists[0] == 1);
  CHECK(peer.silent(100));
  peer.rule(heard.head.number, 0, 300);
  CHECK(becomes(*runtime, "192.0.2.9", "www.SEEN.example", Act::kAllow));
  CHECK(within(5000, [&] { return misses(*runtime, "192.0.2.1", "www.seen.example"); }));
  CHECK(peer.hear(heard));
}

TEST_CASE("where the answer depends on the client it is asked and kept by client") {
  Site site;
  Peer peer(site.dir.path());
  const auto runtime = site.start();
  REQUIRE(peer.accept());
  CHECK(misses(*runtime, "198.51.100.1", "a.example"));
  Heard heard;
  REQUIRE(peer.hear(heard));
  CHECK(heard.address == std::string("\xc6\x33\x64\x01", 4));
  peer.rule(heard.head.number, 0, 60'000);
  CHECK(becomes(*runtime, "198.51.100.1", "a.example", Act::kAllow));
  CHECK(becomes(*runtime, "::ffff:198.51.100.1", "a.example", Act::kAllow));
  CHECK(misses(*runtime, "198.51.100.2", "a.example"));
  CHECK(misses(*runtime, "192.0.2.1", "a.example"));
  const Verdict other = ask(*runtime, "198.51.100.1", "a.example", 28);
  CHECK(other.reason == Reason::kFallbackMiss);
}

TEST_CASE("programs of another basis know nothing of the answers before, and those of the same do") {
  Site site;
  Peer peer(site.dir.path());
  const auto runtime = site.start();
  REQUIRE(peer.accept());
  Heard heard;
  CHECK(misses(*runtime, "192.0.2.1", "a.example"));
  REQUIRE(peer.hear(heard));
  peer.rule(heard.head.number, 0, 60'000);
  CHECK(becomes(*runtime, "192.0.2.1", "a.example", Act::kAllow));
  for (const uint64_t basis : {6, 5}) {
    site.publish(basis);
    REQUIRE(within(5000, [&] { return runtime->generation() == site.generation; }));
    CHECK(misses(*runtime, "192.0.2.1", "a.example") == (basis == 6));
  }
}

TEST_CASE("what is put off is asked again after its time, and not before") {
  Site site;
  Peer peer(site.dir.path());
  const auto runtime = site.start();
  REQUIRE(peer.accept());
  Heard heard;
  CHECK(misses(*runtime, "192.0.2.1", "a.example"));
  REQUIRE(peer.hear(heard));
  const auto begun = std::chrono::steady_clock::now();
  peer.put_off(heard.head.number, 400);
  REQUIRE(within(5000, [&] { return misses(*runtime, "192.0.2.1", "a.example") && !peer.silent(5); }));
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(390));
  REQUIRE(peer.hear(heard));
  peer.rule(heard.head.number, 0, 60'000);
  CHECK(becomes(*runtime, "192.0.2.1", "a.example", Act::kAllow));
}

TEST_CASE("an end that says what is no answer is left, one that comes back is asked; what is known stays") {
  Site site;
  const auto runtime = site.start();
  for (const bool rude : {true, false}) {
    Peer peer(site.dir.path());
    REQUIRE(peer.accept());
    Heard heard;
    const char* name = rude ? "a.example" : "b.example";
    REQUIRE(within(5000, [&] { return misses(*runtime, "192.0.2.1", name) && !peer.silent(5); }));
    REQUIRE(peer.hear(heard));
    peer.rule(heard.head.number + 1, 0, 60'000);  // nobody asked that
    peer.rule(heard.head.number, 0, 60'000);
    CHECK(becomes(*runtime, "192.0.2.1", name, Act::kAllow));
    peer.rule(heard.head.number, 999, 60'000);  // nor this again
    if (rude) {
      peer.say("what", 4);
      CHECK(peer.closed());
    } else {
      peer.hang_up();
    }
    CHECK(ask(*runtime, "192.0.2.1", name).reason == Reason::kFallback);
  }
  CHECK(ask(*runtime, "192.0.2.1", "a.example").reason == Reason::kFallback);
}

TEST_CASE("an action that the tables do not have is not believed") {
  Site site;
  Peer peer(site.dir.path());
  const auto runtime = site.start();
  REQUIRE(peer.accept());
  Heard heard;
  CHECK(misses(*runtime, "192.0.2.1", "a.example"));
  REQUIRE(peer.hear(heard));
  peer.rule(heard.head.number, 1000, 60'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(misses(*runtime, "192.0.2.1", "a.example"));
}

TEST_CASE("of a flood no more is asked than may be outstanding, and the rest is told as a number") {
  Site site;
  Peer peer(site.dir.path());
  const auto runtime = site.start();
  REQUIRE(peer.accept());
  std::vector<std::thread> threads;
  std::atomic<uint64_t> others{0};
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20'000; ++i) {
        const std::string name = "n" + std::to_string(i) + (thread == 0 ? ".one" : ".two");
        if (!misses(*runtime, "192.0.2.1", name.c_str())) others.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(others.load() == 0);
  Heard heard;
  uint32_t asked = 0;
  uint64_t dropped = 0;
  while (!peer.silent(300)) {
    REQUIRE(peer.hear(heard));
    dropped += heard.head.dropped;
    ++asked;
  }
  CHECK(asked > 0);
  CHECK(asked <= kMaxOutstanding);
  peer.rule(heard.head.number, 0, 60'000);
  CHECK(within(2000, [&] {
    misses(*runtime, "192.0.2.1", "late.example");
    return !peer.silent(5);
  }));
  REQUIRE(peer.hear(heard));
  CHECK(dropped + heard.head.dropped >= 40'000 - asked);
}
