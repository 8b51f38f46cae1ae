// SPDX-License-Identifier: MPL-2.0
#include "shm/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>

#include "shm/denied.h"

namespace nnoe::journal {
namespace {
constexpr mode_t kDirectoryMode = 0770;
constexpr mode_t kFileMode = 0660;
constexpr size_t kReadUnit = 4096;
}  // namespace

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Error system_error(const char* operation, const std::string& path) {
  const int code = errno;
  char text[128];
  const Want want = std::string_view(operation) == "open" ? Want::kRead : Want::kWrite;
  // GNU strerror_r may return a constant string instead of filling the buffer.
  return {code, std::string(operation) + " " + path + ": " + ::strerror_r(code, text, sizeof text) +
                    denied(path, want, code)};
}

Fd open_below(int dir, const std::string& name, int flags) {
  return Fd(::openat(dir, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, kFileMode));
}

bool make_directories(const std::string& path, Error& error) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      // A parent that exists may still refuse the call, for instance on a read-only file system.
      struct stat info {};
      const int saved = errno;
      if (::stat(part.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        errno = saved;
        error = system_error("mkdir", part);
        return false;
      }
    }
    if (at == std::string::npos) return true;
  }
}

size_t read_at(int fd, void* buffer, size_t size, uint64_t offset) noexcept {
  auto* out = static_cast<uint8_t*>(buffer);
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0) {
      break;
    } else if (errno != EINTR) {
      const size_t step = std::min<size_t>(size - done, kReadUnit - (offset + done) % kReadUnit);
      std::memset(out + done, 0xff, step);
      done += step;
    }
  }
  return done;
}

bool write_all(int fd, const void* data, size_t size, uint64_t offset) noexcept {
  const auto* from = static_cast<const uint8_t*>(data);
  while (size > 0) {
    const ssize_t n = ::pwrite(fd, from, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n;
    size -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

int64_t regular_size(int fd) noexcept {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return -1;
  if (!S_ISREG(info.st_mode)) {
    errno = EINVAL;
    return -1;
  }
  return info.st_size;
}

bool list_names(int dir, std::vector<std::string>& names, Error& error) {
  const int copy = ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr) {
    error = system_error("list", "directory");
    if (copy >= 0) ::close(copy);
    return false;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> guard(stream, ::closedir);
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return true;
}

bool Looked::changed(int dir, const char* path) noexcept {
  struct timespec now {};
  struct stat info {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (::fstatat(dir, path, &info, AT_EMPTY_PATH) != 0) return forget(), true;
  const struct timespec& at = info.st_mtim;
  if (at.tv_sec == at_.tv_sec && at.tv_nsec == at_.tv_nsec) return false;
  // Such times go in steps of some milliseconds: another change may yet get that of one just now.
  at_ = now.tv_sec > at.tv_sec + 1 ? at : timespec{};
  return true;
}

void set_mode(int dir, const char* name, mode_t mode) noexcept {
  const int status = ::fchmodat(dir, name, mode, 0);
  static_cast<void>(status);
}

Fd open_fifo(int dir, const char* name, bool make, Error& error) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    Fd fd = open_below(dir, name, O_RDWR | O_NONBLOCK);
    struct stat info {};
    if (fd && ::fstat(fd.get(), &info) == 0 && S_ISFIFO(info.st_mode)) return fd;
    error = system_error("open", name);
    if (fd) error = {ENOENT, std::string(name) + " is not a FIFO"};
    if (!make) return {};
    if (!fd && error.code != ENOENT) {
      if (::fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISFIFO(info.st_mode)) return {};
    }
    // What is in the way is kept aside rather than removed: it is not ours.
    if (fd || error.code != ENOENT) ::renameat(dir, name, dir, (std::string(name) + ".foreign").c_str());
    if (::mkfifoat(dir, name, kFileMode) == 0) {
      set_mode(dir, name, kFileMode);  // both sides write to it, whatever the umask of the first
    } else if (errno != EEXIST) {
      error = system_error("mkfifo", name);
      return {};
    }
  }
  return {};
}

uint64_t now_us() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000u + static_cast<uint64_t>(now.tv_nsec) / 1000u;
}

int64_t monotonic_ms() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

}  // namespace nnoe::journal
