// SPDX-License-Identifier: MPL-2.0
#include "log.h"

#include <log/logger.h>
#include <log/macros.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>

#include "nnoe_messages.h"

namespace nnoe::hook {

namespace {

isc::log::Logger logger("nnoe-hooks");

constexpr int64_t kErrorInterval = 60;  // seconds between two messages about one kind of error

// When a kind of error was last logged, seconds of CLOCK_MONOTONIC; 0: never. Relaxed: two threads that log
// one message too many do no harm.
std::array<std::atomic<int64_t>, kCallouts> last_logged{};

bool may_log(Callout where) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  auto& last = last_logged[static_cast<size_t>(where)];
  int64_t before = last.load(std::memory_order_relaxed);
  if (before != 0 && now.tv_sec - before < kErrorInterval) return false;
  return last.compare_exchange_strong(before, now.tv_sec + 1, std::memory_order_relaxed);
}

void log_error(Counters& counters, Callout where, const char* what) {
  const auto kind = static_cast<size_t>(where);
  const uint64_t count = counters.errors[kind].fetch_add(1, std::memory_order_relaxed) + 1;
  if (may_log(where)) {
    LOG_ERROR(logger, NNOE_ERROR_CAUGHT).arg(kCalloutNames[kind]).arg(what).arg(count);
  }
}

// Logging itself can throw: out of memory, a message that is not in the dictionary.
template <typename F>
void quietly(F&& log) noexcept {
  try {
    log();
  } catch (...) {
  }
}

// What an operator does about it, where that can be known from what the system said.
std::string remedy(const std::string& detail) {
  const auto says = [&](int code) {
    return detail.find(std::generic_category().message(code)) != std::string::npos;
  };
  if (says(EACCES) || says(EPERM)) {
    return "; Kea's user has to own that directory, and AppArmor's profile of Kea, where there is one, has "
           "to "
           "allow it: \"Where Kea may write\" in the hook's README";
  }
  if (says(EROFS) && detail.find("ReadWritePaths=") == std::string::npos)
    return "; name the directory in ReadWritePaths= of Kea's unit";
  if (says(ENOSPC)) return "; make room on that disk, or give the hook a smaller journal-cap";
  return "";
}

}  // namespace

void caught(Counters& counters, Callout where) noexcept {
  quietly([&] {
    try {
      throw;
    } catch (const std::exception& error) {
      log_error(counters, where, error.what());
    } catch (...) {
      log_error(counters, where, "not a std::exception");
    }
  });
}

void log_loaded(int family, const std::string& directory) noexcept {
  quietly([&] { LOG_INFO(logger, NNOE_LOADED).arg(family).arg(directory); });
}

void log_load_failed(const std::string& reason) noexcept {
  quietly([&] { LOG_ERROR(logger, NNOE_LOAD_FAILED).arg(reason); });
}

void log_unloaded() noexcept {
  quietly([] { LOG_INFO(logger, NNOE_UNLOADED); });
}

void log_journal(journal::Event event, const std::string& detail) noexcept {
  quietly([&] {
    switch (event) {
      case journal::Event::kOpened:
        LOG_INFO(logger, NNOE_JOURNAL_OPENED).arg(detail);
        break;
      case journal::Event::kRecovered:
        LOG_INFO(logger, NNOE_JOURNAL_RECOVERED).arg(detail);
        break;
      case journal::Event::kReplaced:
        LOG_WARN(logger, NNOE_JOURNAL_REPLACED).arg(detail);
        break;
      case journal::Event::kUnwritable:
        LOG_ERROR(logger, NNOE_JOURNAL_UNWRITABLE).arg(detail + remedy(detail));
        break;
      case journal::Event::kWritable:
        LOG_INFO(logger, NNOE_JOURNAL_WRITABLE).arg(detail);
        break;
      case journal::Event::kOverrun:
        LOG_WARN(logger, NNOE_JOURNAL_OVERRUN).arg(detail);
        break;
    }
  });
}

void log_walk_begin(const WalkRange& range, uint64_t sequence) noexcept {
  quietly([&] {
    LOG_INFO(logger, NNOE_WALK_BEGIN)
        .arg(range_name(range.subnet_id))
        .arg(cause_name(range.cause))
        .arg(sequence);
  });
}

void log_walk_end(const WalkRange& range, uint64_t leases, bool complete) noexcept {
  quietly([&] {
    LOG_INFO(logger, NNOE_WALK_END)
        .arg(range_name(range.subnet_id))
        .arg(complete ? "complete" : "incomplete")
        .arg(leases);
  });
}

void log_mark_failed(const std::string& path, const std::string& reason) noexcept {
  quietly([&] { LOG_WARN(logger, NNOE_WALK_MARK_FAILED).arg(path).arg(reason); });
}

void log_parking_lot_full(uint64_t limit) noexcept {
  quietly([&] { LOG_WARN(logger, NNOE_PARKING_LOT_FULL).arg(limit); });
}

void log_resync(uint32_t subnet_id) noexcept {
  quietly([&] { LOG_INFO(logger, NNOE_RESYNC_REQUESTED).arg(range_name(subnet_id)); });
}

const char* cause_name(event::WalkCause cause) {
  switch (cause) {
    case event::WalkCause::kStart:
      return "start";
    case event::WalkCause::kGap:
      return "gap";
    case event::WalkCause::kCommand:
      return "command";
    case event::WalkCause::kHost:
      return "host";
    case event::WalkCause::kWipe:
      return "wipe";
    case event::WalkCause::kCauseUnspecified:
      break;
  }
  return "unspecified";
}

std::string range_name(uint32_t subnet_id) {
  return subnet_id == 0 ? "all subnets" : "subnet " + std::to_string(subnet_id);
}

}  // namespace nnoe::hook
