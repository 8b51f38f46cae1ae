// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/name_store.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "shm/tables/test/names_support.h"
#include "shm/test/support.h"

namespace {

using namespace nnoe::test;

const Limits kLimits{1, kMaxLists, 1};
using Content = std::map<std::string, Listed>;  // of one list, by wire form

const uint8_t* bytes_of(const std::string& name) { return reinterpret_cast<const uint8_t*>(name.data()); }

// A store, what should be in it, and the tables that were published from it.
struct Host {
  NameStore store;
  std::map<uint32_t, Content> lists;
  std::shared_ptr<AlignedBody> base;
  std::shared_ptr<AlignedBody> delta;

  explicit Host(const std::string& directory) : store(directory) {
    std::vector<std::string> refused;
    Error error;
    REQUIRE_MESSAGE(store.open(refused, error), error.text);
    CHECK(refused.empty());
  }
  void replace(uint32_t list, Content content) {
    auto writer = store.writer(list);
    for (const auto& [name, listed] : content) CHECK(writer->add(bytes_of(name), name.size(), listed));
    Error error;
    REQUIRE_MESSAGE(store.replace(list, std::move(writer), error), error.text);
    lists[list] = std::move(content);
  }
  void set(uint32_t list, const std::string& name, Listed listed) {
    CHECK(store.set(list, bytes_of(name), name.size(), listed));
    if (listed == Listed::kNo)
      lists[list].erase(name);
    else
      lists[list][name] = listed;
  }
  void adopt(const std::vector<uint8_t>& bytes) {
    base = std::make_shared<AlignedBody>(bytes);
    std::string why;
    REQUIRE_MESSAGE(store.adopt_base(base->get(), base, why), why);
  }
  void build() { adopt(store.build_base()); }

  // What is published now answers as the lists do.
  void check(std::mt19937_64& random) {
    const std::vector<uint8_t> bytes = store.build_delta();
    Reference reference;
    for (const auto& [list, content] : lists) {
      for (const auto& [name, listed] : content) reference.set(name, list, listed);
    }
    Names in_base;
    Names in_delta;
    std::string why;
    REQUIRE(Names::open(base->get(), kLimits, in_base, why));
    if (!bytes.empty()) {
      delta = std::make_shared<AlignedBody>(bytes);
      REQUIRE_MESSAGE(Names::open(delta->get(), kLimits, in_delta, why), why);
    }
    const auto same = [&](const std::string& name) {
      const std::string asked = mixed_case(random, name);
      CHECK(walk_of(&in_base, bytes.empty() ? nullptr : &in_delta, asked) == reference.walk(name));
    };
    for (const auto& entry : reference.entries()) {
      same(entry.first);
      if (entry.first.size() + 2 <= kMaxName) same(std::string("\1b", 2) + entry.first);
    }
    for (int i = 0; i < 1000; ++i) same(random_name(random));
  }
};

Listed random_listed(std::mt19937_64& random) { return static_cast<Listed>(1 + random() % 3); }

Content random_content(std::mt19937_64& random, size_t count) {
  Content content;
  for (size_t i = 0; i < count; ++i) content[random_name(random)] = random_listed(random);
  return content;
}

TEST_CASE("a delta over a base is what a full build would be, whatever changes") {
  std::mt19937_64 random(7);
  const TempDir dir;
  Host host(dir.path());
  CHECK(host.store.wants_base());
  for (const uint32_t list : {0u, 3u, 255u}) host.replace(list, random_content(random, 500));
  host.build();
  CHECK_FALSE(host.store.wants_base());
  CHECK(host.store.build_delta().empty());
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 40; ++i) {
      const uint32_t list = random() % 2 == 0 ? 3 : 9;
      const bool known = random() % 2 == 0 && !host.lists[list].empty();
      const std::string name =
          known ? std::next(host.lists[list].begin(),
                            static_cast<std::ptrdiff_t>(random() % host.lists[list].size()))
                      ->first
                : random_name(random);
      host.set(list, name, random() % 3 == 0 ? Listed::kNo : random_listed(random));
    }
    if (round % 4 == 1) {
      Content changed = host.lists[0];
      for (int i = 0; i < 20; ++i) changed.erase(changed.begin());
      for (const auto& [name, listed] : random_content(random, 20)) changed[name] = listed;
      host.replace(0, std::move(changed));
    }
    if (round == 6) {
      host.store.drop(255);
      host.lists.erase(255);
    }
    host.check(random);
    if (round % 5 == 4) host.build();
    host.check(random);
  }
}

TEST_CASE("what changes while a base is built is in the delta over it") {
  std::mt19937_64 random(8);
  const TempDir dir;
  Host host(dir.path());
  for (const uint32_t list : {1u, 2u}) host.replace(list, random_content(random, 300));
  host.build();
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 30; ++i) host.set(2, random_name(random), random_listed(random));
    // Built and not yet published: changes belong to the old base and to the new one.
    const std::vector<uint8_t> built = host.store.build_base();
    host.set(1, random_name(random), Listed::kSubtree);
    host.set(2, host.lists[2].begin()->first, Listed::kNo);
    Content content = host.lists[1];
    content.erase(content.begin());
    host.replace(1, std::move(content));
    const size_t before = host.store.delta_size();
    host.check(random);
    if (round == 3) {
      host.store.abandon_base();
    } else {
      host.adopt(built);
      CHECK(host.store.delta_size() < before);
      CHECK(host.store.delta_size() <= 3);
    }
    host.check(random);
  }
}

TEST_CASE("sets are there after a restart, damaged ones are named and left out") {
  std::mt19937_64 random(9);
  const TempDir dir;
  std::map<uint32_t, Content> lists;
  {
    Host host(dir.path());
    for (const uint32_t list : {1u, 2u}) host.replace(list, random_content(random, 200));
    host.set(2, wire("single.example"), Listed::kExact);
    host.build();  // writes the single name into its set
    lists = host.lists;
  }
  {
    Host host(dir.path());
    CHECK(host.store.wants_base());
    host.lists = lists;
    host.build();
    host.check(random);
  }
  for (const std::string& name : nnoe::test::names(dir.path(), "list-001")) {
    std::string bytes = read_file(dir.path() + "/" + name);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    write_file(dir.path() + "/" + name, bytes);
  }
  NameStore store(dir.path());
  std::vector<std::string> refused;
  Error error;
  REQUIRE(store.open(refused, error));
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].find("list-001") != std::string::npos);
  REQUIRE(store.lists().size() == 1);
  CHECK(store.lists()[0].list == 2);
  CHECK(nnoe::test::names(dir.path(), "list-001").empty());
}

TEST_CASE("names in any order, more than once, sorted on disk when memory is short") {
  std::mt19937_64 random(10);
  const TempDir dir;
  for (const size_t memory : {size_t{1000}, NameSetWriter::kMemory}) {
    NameSetWriter writer(dir.path() + "/set", memory);
    Content content;
    std::set<std::string> off;
    for (int i = 0; i < 3000; ++i) {
      const std::string name = random_name(random);
      const Listed listed = random() % 9 == 0 ? Listed::kNo : random_listed(random);
      CHECK(writer.add(bytes_of(mixed_case(random, name)), name.size(), listed));
      if (listed == Listed::kNo) off.insert(name);
      Listed& now = content[name];
      now = now == Listed::kNo || now == listed ? listed : Listed::kSubtree;
    }
    for (const std::string& name : off) content.erase(name);
    CHECK_FALSE(writer.add(bytes_of("\3com"), 4, Listed::kExact));
    Error error;
    REQUIRE_MESSAGE(writer.settle(error), error.text);
    CHECK(writer.count() == content.size());
    CHECK_FALSE(writer.add(bytes_of(wire("late.example")), 14, Listed::kExact));
    CHECK(nnoe::test::names(dir.path(), "set.run-all").size() == 1);
    const auto file = writer.finish(error);
    REQUIRE_MESSAGE(file != nullptr, error.text);
    CHECK(file->count == content.size());
    const auto opened = open_name_set(dir.path() + "/set", error);
    REQUIRE_MESSAGE(opened != nullptr, error.text);
    NameSetReader reader(opened);
    NameKey last;
    size_t read = 0;
    for (; reader.next(); ++read) {
      const NameKey key = reader.key();
      uint8_t bytes[kMaxName];
      reverse_labels(key.bytes, key.size, bytes);
      const auto found = content.find({reinterpret_cast<const char*>(bytes), key.size});
      REQUIRE(found != content.end());
      CHECK(found->second == reader.listed());
      if (read > 0) CHECK(last.compare(key) < 0);
      copy_key(last, key);
    }
    CHECK(read == content.size());
  }
  CHECK(nnoe::test::names(dir.path(), "set").size() == 1);
}

TEST_CASE("what was settled and never taken is gone, also when its host died before it could say so") {
  const TempDir dir;
  std::vector<std::string> refused;
  Error error;
  {
    Host host(dir.path());
    host.replace(1, {{wire("held.example"), Listed::kExact}});
    auto writer = host.store.writer(1);
    REQUIRE(writer->settle(error));
    CHECK(writer->count() == 0);
    CHECK(nnoe::test::names(dir.path(), "list-001").size() == 2);
    // As if it had died here: another one opens the directory.
    NameStore later(dir.path());
    REQUIRE(later.open(refused, error));
    REQUIRE(later.lists().size() == 1);
    CHECK(later.lists()[0].names == 1);
  }
  CHECK(refused.empty());
  CHECK(nnoe::test::names(dir.path(), "list-001").size() == 1);
}

TEST_CASE("a disk that refuses leaves the list as it was") {
  std::mt19937_64 random(11);
  const TempDir dir;
  Host host(dir.path() + "/names");
  host.replace(1, random_content(random, 50));
  host.build();
  auto writer = host.store.writer(1);
  const std::string name = wire("new.example");
  CHECK(writer->add(bytes_of(name), name.size(), Listed::kExact));
  REQUIRE(::rename((dir.path() + "/names").c_str(), (dir.path() + "/away").c_str()) == 0);
  Error error;
  CHECK_FALSE(host.store.replace(1, std::move(writer), error));
  CHECK(error.text.find("names") != std::string::npos);
  REQUIRE(::rename((dir.path() + "/away").c_str(), (dir.path() + "/names").c_str()) == 0);
  host.check(random);
  host.build();
  host.check(random);
}

TEST_CASE("threads that set, replace, build and publish at once") {
  std::mt19937_64 random(12);
  const TempDir dir;
  Host host(dir.path());
  for (const uint32_t list : {1u, 2u, 3u}) host.replace(list, random_content(random, 200));
  host.build();
  std::thread single([&] {
    std::mt19937_64 own(13);
    for (int i = 0; i < 2000; ++i) {
      const std::string name = random_name(own);
      host.store.set(2, bytes_of(name), name.size(), static_cast<Listed>(own() % 4));
      if (i % 50 == 0) host.store.build_delta();
    }
  });
  std::thread whole([&] {
    std::mt19937_64 own(14);
    for (int i = 0; i < 20; ++i) {
      auto writer = host.store.writer(2);
      for (const auto& [name, listed] : random_content(own, 100))
        writer->add(bytes_of(name), name.size(), listed);
      Error error;
      host.store.replace(2, std::move(writer), error);
      host.store.drop(3);
    }
  });
  for (int i = 0; i < 20; ++i) host.build();
  single.join();
  whole.join();
  // What is in list 2 now depends on who came first: set it to something known, by the three ways there are.
  host.lists.erase(3);
  host.replace(2, random_content(random, 100));
  host.set(2, wire("last.example"), Listed::kSubtree);
  host.check(random);
  host.build();
  host.check(random);
}

}  // namespace

TEST_CASE("single names outlive the store, over the set that they were set over, and no other") {
  const TempDir dir;
  const auto wire = [](const char* text) { return std::string("\1") + text[0] + "\7example" + '\0'; };
  const auto set = [&](NameStore& store, const char* text, Listed listed) {
    const std::string name = wire(text);
    REQUIRE(store.set(3, reinterpret_cast<const uint8_t*>(name.data()), name.size(), listed));
  };
  const auto replace = [&](NameStore& store, const char* text) {
    auto writer = store.writer(3);
    const std::string name = wire(text);
    writer->add(reinterpret_cast<const uint8_t*>(name.data()), name.size(), Listed::kExact);
    Error error;
    REQUIRE(store.replace(3, std::move(writer), error));
  };
  // Names on the list, as a base has them.
  const auto now = [&](NameStore& store) {
    const std::vector<uint8_t> body = store.build_base();
    store.abandon_base();
    const AlignedBody aligned(body);
    Names names;
    std::string why;
    REQUIRE(Names::open(aligned.get(), {1, 4, 1}, names, why));
    std::string found;
    for (const char* each : {"a.example", "b.example", "c.example"}) {
      QueryName name;
      const std::string bytes = wire(each);
      REQUIRE(name.parse(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
      const Names::Entry entry = names.find(name);
      if (entry.here != nullptr) found += each[0];
    }
    return found;
  };
  Error error;
  std::vector<std::string> refused;
  {
    NameStore store(dir.path());
    REQUIRE(store.open(refused, error));
    replace(store, "a.example");
    set(store, "b.example", Listed::kSubtree);
    set(store, "a.example", Listed::kNo);
    REQUIRE(store.save_changes(error));
  }
  {
    NameStore store(dir.path());
    REQUIRE(store.open(refused, error));
    CHECK(now(store) == "b");
  }
  {
    // The base wrote them into a set of their own: what was saved is not applied again.
    NameStore store(dir.path());
    REQUIRE(store.open(refused, error));
    CHECK(now(store) == "b");
    replace(store, "c.example");
  }
  {
    NameStore store(dir.path());
    REQUIRE(store.open(refused, error));
    CHECK(now(store) == "c");
    set(store, "a.example", Listed::kExact);
    REQUIRE(store.save_changes(error));
  }
  CHECK(refused.empty());
  // Whatever the file holds, the store opens with its sets, and says so.
  const std::string path = dir.path() + "/changes";
  std::ifstream file(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  for (size_t at = 0; at <= good.size(); ++at) {
    std::string bytes = good.substr(0, at);
    if (at == good.size()) bytes += '\0';
    std::ofstream(path, std::ios::binary) << bytes;
    NameStore store(dir.path());
    refused.clear();
    REQUIRE(store.open(refused, error));
    CHECK(refused.size() == 1);
    CHECK(store.lists().size() == 1);
  }
}
