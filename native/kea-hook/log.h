// SPDX-License-Identifier: MPL-2.0
// The library's messages, documented in nnoe_messages.mes. None of these throws.
#pragma once

#include <string>

#include "counters.h"
#include "shm/producer.h"
#include "walk_mark.h"

namespace nnoe::hook {

// Only in a catch block: counts the exception in flight and logs it, at most once a minute a kind.
void caught(Counters& counters, Callout where) noexcept;

void log_loaded(int family, const std::string& directory) noexcept;
void log_load_failed(const std::string& reason) noexcept;
void log_unloaded() noexcept;
void log_journal(journal::Event event, const std::string& detail) noexcept;
void log_walk_begin(const WalkRange& range, uint64_t sequence) noexcept;
void log_walk_end(const WalkRange& range, uint64_t leases, bool complete) noexcept;
void log_mark_failed(const std::string& path, const std::string& reason) noexcept;
void log_parking_lot_full(uint64_t limit) noexcept;
void log_resync(uint32_t subnet_id) noexcept;

const char* cause_name(event::WalkCause cause);
std::string range_name(uint32_t subnet_id);

}  // namespace nnoe::hook
