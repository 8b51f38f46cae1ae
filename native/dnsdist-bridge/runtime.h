// SPDX-License-Identifier: MPL-2.0
// Provisional, until the generations of a tables directory are read: the first label of a name says what
// happens to it (nxdomain.example is answered NXDOMAIN).
#pragma once

#include <cstdint>
#include <string>

#include "shm/tables/actions.h"
#include "shm/tables/verdict.h"

namespace nnoe::bridge {

struct Options {
  std::string directory;  // of tables, absolute
  std::string decisions;  // directory for counters and records; empty: none are written
  double sampling = 1;    // share of decisions that are recorded, 0 to 1
  bool fail_closed = false;
};

// Once per process. Never fails for what `directory` holds or lacks: decide() then follows `fail`. False with
// a reason for the log when there is nothing to decide by yet.
bool start(const Options& options, std::string& why) noexcept;

// On any thread, and release() after it: until then `action` stays where it is. False: no verdict, do what
// `fail` says.
bool decide(const tables::Question& question, tables::Verdict& verdict,
            const tables::Action*& action) noexcept;
void release() noexcept;

}  // namespace nnoe::bridge
