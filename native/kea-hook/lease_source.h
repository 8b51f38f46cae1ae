// SPDX-License-Identifier: MPL-2.0
// Kea's lease database, read through LeaseMgr. Only on Kea's main thread, or on any thread while Kea's
// multi-threading is on: with it off, memfile takes no lock.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "encode.h"

namespace nnoe::hook {

class LeaseSource {
 public:
  explicit LeaseSource(int family);  // 4 or 6
  ~LeaseSource();

  // Whether Kea has a lease manager now; it has none while it loads its first configuration.
  static bool ready();
  // Whether this thread may read now.
  static bool may_read();
  // What database Kea has configured, as Kea writes it. Main thread only.
  static std::string database();

  // The lease at `address` (text), or false. The fields live until the next call.
  bool find(const std::string& address, event::LeaseType type, LeaseFields& fields);
  // Binary form of an address; false when the text is not an address of this family.
  bool parse(const std::string& address, LeaseFields& fields) const;

  // Pages in address order.
  void rewind();
  // Hands out at most `size` leases after the cursor, and stages the cursor behind them; returns how many.
  size_t page(size_t size, const std::function<void(LeaseFields&)>& take);
  // Makes the staged cursor the cursor. Not called, the same page is read again.
  void advance();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nnoe::hook
