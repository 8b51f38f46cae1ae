// SPDX-License-Identifier: MPL-2.0
#include "shm/set_aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "shm/layout.h"
#include "shm/segment.h"

namespace nnoe::journal {
namespace {

void remove_flat(int dir, const std::string& name) {
  const Fd inner = open_below(dir, name, O_RDONLY | O_DIRECTORY);
  std::vector<std::string> files;
  Error ignored;
  if (inner) list_names(inner.get(), files, ignored);
  for (const std::string& file : files) ::unlinkat(inner.get(), file.c_str(), 0);
  ::unlinkat(dir, name.c_str(), AT_REMOVEDIR);
}

// Names sort by age: the time in them has a fixed number of digits.
void keep_newest(int dir) {
  std::vector<std::string> names;
  Error ignored;
  if (!list_names(dir, names, ignored)) return;
  const std::string prefix = layout::kDamagedPrefix;
  const auto other = [&](const std::string& name) { return name.compare(0, prefix.size(), prefix) != 0; };
  names.erase(std::remove_if(names.begin(), names.end(), other), names.end());
  std::sort(names.begin(), names.end());
  const size_t surplus = names.size() - std::min<size_t>(names.size(), layout::kDamagedKept);
  for (size_t i = 0; i < surplus; ++i) remove_flat(dir, names[i]);
}

}  // namespace

bool set_aside(int dir, const std::vector<uint64_t>& segments, bool meta, std::string& where, Error& error) {
  where = layout::kDamagedPrefix + std::to_string(now_us());
  if (::mkdirat(dir, where.c_str(), 0770) != 0) return error = system_error("mkdir", where), false;
  std::vector<std::string> names;
  for (const uint64_t number : segments) names.push_back(segment_name(number));
  if (meta) names.push_back(layout::kMetaName);
  for (const std::string& name : names) {
    if (::renameat(dir, name.c_str(), dir, (where + "/" + name).c_str()) != 0 && errno != ENOENT) {
      return error = system_error("rename", name), false;
    }
  }
  keep_newest(dir);
  return true;
}

}  // namespace nnoe::journal
