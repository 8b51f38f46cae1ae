// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/generation.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "shm/tables/explain.h"
#include "shm/tables/test/small_tables.h"
#include "shm/test/support.h"

using namespace nnoe::tables;
using nnoe::test::SmallTables;
using nnoe::test::TempDir;

namespace {

struct Polled {
  Read read;
  std::shared_ptr<const Generation> generation;
  std::string why;
};

Polled poll(GenerationLoader& loader, bool again = false) {
  Polled polled;
  polled.read = loader.poll(again, polled.generation, polled.why);
  return polled;
}

Verdict ask(const Generation& tables, const char* client, const char* name) {
  const nnoe::test::Asked asked(client, name);
  QueryName parsed;
  return decide({tables, asked.question(), parsed, Act::kAllow, nullptr}).unpacked(tables.head.generation);
}

// Puts other bytes in the place of a file's, by rename, as nobody but a foreign writer would.
void replace_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path + ".new", std::ios::binary) << bytes;
  REQUIRE(::rename((path + ".new").c_str(), path.c_str()) == 0);
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("verdicts of a generation: who asks, what they ask, and the deepest list entry") {
  const TempDir dir;
  SmallTables tables(dir.path());
  tables.map("127.0.0.2", {"kids"});
  tables.map("127.0.1.0/24", {"kids"});
  tables.map("127.0.1.7", {"staff"});
  tables.map("2001:db8::/32", {"kids"});
  tables.list("ads", ListKind::kBlock);
  tables.list("good", ListKind::kAllow);
  tables.name("ads", "ads.example", Listed::kSubtree);
  tables.name("ads", "one.example", Listed::kExact);
  tables.name("good", "fine.ads.example", Listed::kSubtree);
  tables.name("ads", "bad.fine.ads.example", Listed::kSubtree);
  tables.take({"kids"}, "ads", Act::kNxdomain);
  tables.take({"kids"}, "good", Act::kAllow);
  tables.publish();

  GenerationLoader loader(dir.path());
  const Polled polled = poll(loader);
  REQUIRE_MESSAGE(polled.read == Read::kDone, polled.why);
  const Generation& now = *polled.generation;
  for (const char* client : {"127.0.0.2", "127.0.1.200", "2001:db8::1", "::ffff:127.0.0.2"}) {
    CAPTURE(client);
    CHECK(ask(now, client, "ads.example").act == Act::kNxdomain);
    CHECK(ask(now, client, "Www.ADS.example").reason == Reason::kBlockList);
    CHECK(ask(now, client, "a.fine.ads.example").reason == Reason::kAllowList);
    CHECK(ask(now, client, "a.bad.fine.ads.example").act == Act::kNxdomain);
    CHECK(ask(now, client, "one.example").act == Act::kNxdomain);
    CHECK(ask(now, client, "www.one.example").reason == Reason::kNoPolicy);
    CHECK(ask(now, client, "example").act == Act::kAllow);
    CHECK(ask(now, client, "").act == Act::kAllow);
  }
  for (const char* client : {"127.0.0.3", "127.0.1.7", "127.0.2.1", "2001:db9::1"})
    CHECK(ask(now, client, "ads.example").act == Act::kAllow);
}

TEST_CASE("an explanation names the mapping, the entry and the list") {
  const TempDir dir;
  SmallTables tables(dir.path());
  tables.map("127.0.1.0/24", {"staff", "kids"});
  tables.list("ads", ListKind::kBlock);
  tables.name("ads", "ads.example", Listed::kSubtree);
  tables.take({"kids", "staff"}, "ads", Act::kRefused);
  tables.publish();
  GenerationLoader loader(dir.path());
  const Polled polled = poll(loader);
  const nnoe::test::Asked asked("127.0.1.9", "x.ADS.example");
  const Explanation told = explain(*polled.generation, asked.question());
  CHECK(told.roles == std::vector<std::string>{"kids", "staff"});
  CHECK(told.mapped);
  CHECK(told.length == 24);
  REQUIRE(told.levels.size() == 1);
  CHECK(told.levels[0].name == "ads.example");
  CHECK(told.levels[0].lists == std::vector<std::string>{"ads"});
  CHECK(told.list == "ads");
  CHECK(told.name == "x.ads.example");
  CHECK(told.verdict.act == Act::kRefused);
}

TEST_CASE("unchanged sections are not read again, and what is new is told once") {
  const TempDir dir;
  SmallTables tables(dir.path());
  GenerationLoader loader(dir.path());
  CHECK(poll(loader).read == Read::kMissing);
  tables.map("127.0.0.2", {"kids"});
  tables.publish();
  const Polled first = poll(loader);
  REQUIRE(first.read == Read::kDone);
  CHECK(poll(loader).read == Read::kMissing);
  tables.publish_only(Section::kHosts);
  const Polled second = poll(loader);
  REQUIRE(second.read == Read::kDone);
  CHECK(second.generation->prefixes == first.generation->prefixes);
  CHECK(second.generation->hosts != first.generation->hosts);
}

TEST_CASE("whatever one section's file holds, the last good generation stays, and the reason is told once") {
  const TempDir dir;
  SmallTables tables(dir.path());
  tables.map("127.0.0.2", {"kids"});
  tables.publish();
  GenerationLoader loader(dir.path());
  REQUIRE(poll(loader).read == Read::kDone);
  tables.publish();
  const std::string path = dir.path() + "/hosts-0000000000000002";
  const std::string good = contents(path);
  const std::string halves[] = {good.substr(0, good.size() / 2), "", good + "more",
                                std::string(good.size(), '\x5a'),
                                contents(dir.path() + "/prefixes-0000000000000002")};
  for (const std::string& bytes : halves) {
    replace_file(path, bytes);
    const Polled polled = poll(loader, true);
    CHECK(polled.read != Read::kDone);
    if (polled.read == Read::kRefused) CHECK(polled.why.rfind("hosts-0000000000000002: ", 0) == 0);
    CHECK(poll(loader, true).read == Read::kMissing);
  }
  CHECK(loader.refused() == 2);
  replace_file(path, good);
  CHECK(poll(loader).read == Read::kMissing);  // not looked at again unless told so
  CHECK(poll(loader, true).read == Read::kDone);
}

TEST_CASE("a section that names what the registry does not have is refused, with a right checksum too") {
  const TempDir dir;
  SmallTables tables(dir.path());
  tables.map("127.0.0.2", {"kids"});
  tables.publish();
  SmallTables fewer(dir.path(), tables);
  fewer.publish_only(Section::kRegistry);  // without the role set that hosts speak of
  GenerationLoader loader(dir.path());
  const Polled polled = poll(loader);
  CHECK(polled.read == Read::kRefused);
  CHECK(polled.why.rfind("hosts-0000000000000001: ", 0) == 0);
}

TEST_CASE("a manifest that is damaged, or not ours, is refused and does not end anything") {
  const TempDir dir;
  SmallTables tables(dir.path());
  tables.publish();
  GenerationLoader loader(dir.path());
  REQUIRE(poll(loader).read == Read::kDone);
  const std::string good = contents(dir.path() + "/manifest");
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    replace_file(dir.path() + "/manifest", bytes);
    CHECK(poll(loader, true).read != Read::kDone);
  }
  for (size_t size = 0; size < good.size(); size += 7) {
    replace_file(dir.path() + "/manifest", good.substr(0, size));
    CHECK(poll(loader, true).read != Read::kDone);
  }
}

TEST_CASE("generations that come faster than a large section loads hold nobody up, and refuse nothing") {
  const TempDir dir;
  std::string found;
  nnoe::journal::Error error;
  const auto publisher = Publisher::open(dir.path(), found, error);
  REQUIRE_MESSAGE(publisher, error.text);
  const auto hosts = [](uint32_t count, bool delta) {
    std::vector<Mapping> v4;
    for (uint32_t i = 0; i < count; ++i) v4.push_back({uint64_t{0x0a000000u + i} << 32, 0, 0, 32});
    return build_hosts(v4, {}, delta);
  };
  const auto first = hosts(1, false);
  const auto large = hosts(1500000, false);
  const auto delta = hosts(1, true);
  REQUIRE(publisher->publish({{Section::kRegistry, RegistryBuilder().build()},
                              {Section::kActions, ActionsBuilder().build()},
                              {Section::kHosts, first}},
                             error));
  GenerationLoader loader(dir.path());
  REQUIRE(poll(loader).read == Read::kDone);
  // From here on the directory changes all the time, as it does while single mappings come and go.
  REQUIRE(publisher->publish({{Section::kHosts, large}, {Section::kHostsDelta, delta}}, error));
  const uint64_t wanted = publisher->current().head.generation;
  std::atomic<bool> stop{false};
  std::thread changes([&] {
    nnoe::journal::Error ignored;
    while (!stop) publisher->publish({{Section::kHostsDelta, delta}}, ignored);
  });
  bool loaded = false;
  std::string refused;
  for (int looks = 0; looks < 40 && !loaded; ++looks) {
    const Polled polled = poll(loader, true);
    if (polled.read == Read::kRefused) refused = polled.why;
    loaded = polled.read == Read::kDone && polled.generation->head.generation >= wanted;
  }
  stop = true;
  changes.join();
  CHECK(loaded);
  CHECK(refused == "");
}
