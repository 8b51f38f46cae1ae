// SPDX-License-Identifier: MPL-2.0
#include "walk_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace nnoe::hook {

namespace {

// Field 22 of /proc/self/stat; the second field, the program's name, may hold spaces and ends at the last
// ')'.
uint64_t process_start_time() {
  std::ifstream stat("/proc/self/stat");
  std::string text;
  std::getline(stat, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  uint64_t start = 0;
  fields >> start;
  return start;
}

// FNV-1a: the string may hold a password, which has no business in a file of ours.
uint64_t hash(const std::string& text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return h;
}

}  // namespace

WalkMark read_mark(const std::string& directory) {
  std::ifstream file(directory + "/walks");
  std::string word;
  int version = 0;
  if (!(file >> word >> version) || word != "nnoe-walks" || version != 1) return {};
  WalkMark mark;
  while (file >> word) {
    uint32_t cause = 0;
    uint32_t subnet = 0;
    if (word == "process" && file >> mark.pid >> mark.start_time) continue;
    if (word == "database" && file >> mark.database) continue;
    if (word == "pending" && file >> cause >> subnet && cause <= 5) {
      mark.pending.push_back({static_cast<event::WalkCause>(cause), subnet});
      continue;
    }
    return {};
  }
  return mark;
}

bool write_mark(const std::string& directory, const WalkMark& mark) {
  std::ostringstream text;
  text << "nnoe-walks 1\nprocess " << mark.pid << ' ' << mark.start_time << "\ndatabase " << mark.database
       << '\n';
  for (const WalkRange& range : mark.pending) {
    text << "pending " << static_cast<unsigned>(range.cause) << ' ' << range.subnet_id << '\n';
  }
  const std::string bytes = text.str();
  const std::string fresh = directory + "/walks.new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return false;
  const bool written = write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  close(fd);
  return written && rename(fresh.c_str(), (directory + "/walks").c_str()) == 0;
}

WalkMark mark_of_this_process(const std::string& database) {
  WalkMark mark;
  mark.pid = static_cast<uint64_t>(getpid());
  mark.start_time = process_start_time();
  mark.database = hash(database);
  return mark;
}

}  // namespace nnoe::hook
