// SPDX-License-Identifier: MPL-2.0
// What this process has in memory, from /proc/self/status (proc_pid_status(5)). Not getrusage: its largest
// size is also that of the process from which this one was started.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

namespace nnoe::bench {

// kB; `field` as it stands there, such as "VmHWM". 0 where there is none.
inline uint64_t memory_kb(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::strtoull(line.c_str() + field.size() + 1, nullptr, 10);
  }
  return 0;
}

}  // namespace nnoe::bench
