// SPDX-License-Identifier: MPL-2.0
// Leases that no callout shows. Kea writes a lease, then parks the packet, then calls leases*_committed; but
// when `parked-packet-limit` packets are parked already (HA keeps them until its partner has answered) it
// drops the packet instead, and nobody is told. The packet that filled the lot is told, and by then it is in
// the lot: so each such callout looks at how many are parked, and once there is room again a walk shows what
// was missed.
#pragma once

#include <hooks/parking_lots.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>

namespace nnoe::hook {

class Parking {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLook{100};         // between looks at a full lot
  static constexpr std::chrono::seconds kWalkInterval{60};       // between two walks because of it
  static constexpr size_t kUnlimited = static_cast<size_t>(-1);  // Kea parks as many as come

  // After Kea has registered its hook points.
  explicit Parking(int family);

  // Any thread, in the callout of a packet that is parked. True: the lot is full or nearly so, and that is
  // news; look() is wanted in kLook.
  bool filled() {
    isc::hooks::ParkingLotPtr* lot = lot_.load(std::memory_order_acquire);
    // Only ours is left: Kea has cleared its lots, as a configuration does that it then refuses.
    if (lot->use_count() == 1) lot = renew();
    if ((*lot)->size() < crowded_.load(std::memory_order_relaxed)) return false;
    return !noticed_.exchange(true);
  }

  struct Look {
    bool first = false;                              // it has just been noticed
    bool owed = false;                               // a walk has to come
    bool walk = false;                               // now
    std::optional<std::chrono::microseconds> again;  // when to look next; nothing: when filled() says so
  };
  // Main thread, once before the first packet, and then when it is wanted; oftener does no harm.
  Look look(Clock::time_point now);

  // Any thread.
  bool owed() const { return noticed_.load(); }
  size_t limit() const { return limit_.load(std::memory_order_relaxed); }
  uint64_t times() const { return times_.load(std::memory_order_relaxed); }
  size_t parked();

 private:
  isc::hooks::ParkingLotPtr* renew();
  void read_limit();

  const int family_;
  std::mutex renewal_;                          // guards lots_
  std::deque<isc::hooks::ParkingLotPtr> lots_;  // none leaves: a callout may be looking at an old one
  std::atomic<isc::hooks::ParkingLotPtr*> lot_{nullptr};
  std::atomic<size_t> limit_{kUnlimited};
  std::atomic<size_t> crowded_{kUnlimited};  // so many parked count as a full lot
  std::atomic<bool> noticed_{false};         // seen full since the last walk began
  std::atomic<uint64_t> times_{0};
  std::optional<Clock::time_point> since_;  // main thread only, as is the next
  std::optional<Clock::time_point> walked_;
};

}  // namespace nnoe::hook
