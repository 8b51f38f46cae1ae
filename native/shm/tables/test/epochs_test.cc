// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/epochs.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using nnoe::tables::Epochs;

namespace {

// What is published: two words that are equal as long as it lives.
struct Thing {
  explicit Thing(uint64_t value) : first(value), second(value) {}
  ~Thing() { second = ~first; }
  uint64_t first;
  uint64_t second;
};

struct Stage {
  Epochs epochs;
  std::atomic<Thing*> current{new Thing(1)};
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  std::atomic<uint64_t> torn{0};

  ~Stage() { delete current.load(); }

  void read() {
    Epochs::Reader* reader = epochs.join();
    while (!stop.load(std::memory_order_relaxed)) {
      epochs.enter(*reader);
      const Thing* thing = current.load(std::memory_order_acquire);
      if (thing->first != thing->second) torn.fetch_add(1);
      Epochs::exit(*reader);
      reads.fetch_add(1, std::memory_order_relaxed);
    }
    Epochs::leave(reader);
  }
};

}  // namespace

TEST_CASE("nothing is freed while a thread reads it, over many swaps") {
  Stage stage;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back([&] { stage.read(); });
  for (uint64_t i = 2; i < 10'000 || stage.reads.load() < 100'000; ++i) {
    std::unique_ptr<Thing> old(stage.current.exchange(new Thing(i), std::memory_order_acq_rel));
    stage.epochs.wait();
  }
  stage.stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(stage.torn.load() == 0);
}

TEST_CASE("waiting ends only when whoever is inside has gone out") {
  Epochs epochs;
  Epochs::Reader* reader = epochs.join();
  REQUIRE(reader != nullptr);
  epochs.enter(*reader);
  std::atomic<bool> waited{false};
  std::thread waiter([&] {
    epochs.wait();
    waited = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(waited.load());
  Epochs::exit(*reader);
  waiter.join();
  CHECK(waited.load());
}

TEST_CASE("a place that a thread left is taken by the next one") {
  Epochs epochs;
  Epochs::Reader* first = epochs.join();
  Epochs::Reader* second = epochs.join();
  CHECK(first != second);
  Epochs::leave(first);
  CHECK(epochs.join() == first);
}
