// SPDX-License-Identifier: MPL-2.0
#include "shm/denied.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>

namespace nnoe::journal {
namespace {

// The name that a file such as /etc/passwd has for a number, else the number. Not asked of NSS, which may
// wait for a network.
std::string name_of(const char* file, unsigned id) {
  std::string number = std::to_string(id);
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t name = line.find(':');
    const size_t password = name == std::string::npos ? name : line.find(':', name + 1);
    if (password == std::string::npos) continue;
    const size_t end = line.find(':', password + 1);
    if (end != std::string::npos && line.compare(password + 1, end - password - 1, number) == 0)
      return line.substr(0, name);
  }
  return number;
}

std::string user(unsigned id) { return name_of("/etc/passwd", id); }
std::string group(unsigned id) { return name_of("/etc/group", id); }

// By owner, mode and access list; what AppArmor and the like say is not in it.
bool lacks(const std::string& path, int right) {
  return ::faccessat(AT_FDCWD, path.c_str(), right, AT_EACCESS) != 0 && errno == EACCES;
}

std::string explain(const std::string& path, int right) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "";
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(info.st_mode & 07777u));
  const std::string who = user(::geteuid());
  const std::string what = (right & W_OK) != 0 ? "write" : (right & R_OK) != 0 ? "read" : "enter";
  const auto needed = static_cast<mode_t>(right) << 3u;
  const std::string is = ": " + path + " is " + user(info.st_uid) + ":" + group(info.st_gid) + " " +
                         mode.data() + ", and this process runs as " + who;
  if (info.st_uid == ::geteuid()) return is + ": its mode has to let the owner " + what + " it";
  if (info.st_gid != 0 && (info.st_mode & needed) == needed)
    return is + ", which has to be in the group " + group(info.st_gid) + ", and be started anew";
  return is + ", which has to own it, or be in its group with the right to " + what + " it";
}

// The first thing on the way that owner and mode keep from us; empty: none.
std::string in_the_way(const std::string& path, Want want) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (lacks(part, X_OK)) return explain(part, X_OK);
  }
  struct stat info {};
  std::string target = path;
  bool made = false;
  if (::stat(path.c_str(), &info) != 0) {
    const size_t last = path.rfind('/');
    target = last == 0 ? "/" : path.substr(0, last);
    made = true;
    if (::stat(target.c_str(), &info) != 0) return "";
  }
  const int enter = S_ISDIR(info.st_mode) ? X_OK : 0;
  if (!made && want == Want::kRead && lacks(target, R_OK | enter)) return explain(target, R_OK | enter);
  return lacks(target, W_OK | enter) ? explain(target, W_OK | enter) : "";
}

}  // namespace

std::string denied(const std::string& path, Want want, int code) {
  if (path.empty() || path[0] != '/') return "";
  if (code == EROFS)
    return ": it is read-only for this process, whose systemd unit has to name it in ReadWritePaths=";
  if (code != EACCES && code != EPERM) return "";
  std::string found = in_the_way(path, want);
  if (!found.empty()) return found;
  return ": owner and mode allow it; the AppArmor profile of this program, or the sandbox of its systemd "
         "unit, "
         "has to allow it too";
}

std::string denied_at(int directory, const std::string& name, Want want, int code) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(directory);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  if (size <= 0 || static_cast<size_t>(size) == path.size()) return "";
  return denied(std::string(path.data(), static_cast<size_t>(size)) + "/" + name, want, code);
}

}  // namespace nnoe::journal
