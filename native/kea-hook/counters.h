// SPDX-License-Identifier: MPL-2.0
// What the hook counts. Every counter is on its own: relaxed order, nothing is published through them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "shm/gen/event_fields.h"

namespace nnoe::hook {

enum class Callout : uint8_t { kCommitted, kExpire, kDecline, kCommand, kControl, kWalk, kReport };
constexpr size_t kCallouts = 7;
constexpr std::array<const char*, kCallouts> kCalloutNames = {"committed", "expire", "decline", "command",
                                                              "control",   "walk",   "report"};
constexpr size_t kOperations = 11;
constexpr std::array<const char*, kOperations> kOperationNames = {
    "unspecified", "assign", "renew",  "rebind", "release", "decline",
    "recover",     "expire", "update", "delete", "snapshot"};

struct Counters {
  std::array<std::atomic<uint64_t>, kOperations> events{};
  std::array<std::atomic<uint64_t>, kCallouts> errors{};

  void count(event::Operation operation) {
    events[static_cast<size_t>(operation)].fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace nnoe::hook
