// SPDX-License-Identifier: MPL-2.0
// Thin, exception-light wrappers around the system calls that the journal needs.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nnoe::journal {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  void reset() noexcept;
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What went wrong: `code` is an errno value or 0.
struct Error {
  int code = 0;
  std::string text;
};
// From errno; says what an absolute path was denied by.
Error system_error(const char* operation, const std::string& path);

// A mapping of a whole file, shared and writable.
class Mapping {
 public:
  Mapping() = default;
  Mapping(uint8_t* data, size_t size) : data_(data), size_(size) {}
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping();
  uint8_t* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Opens below `dir` without following a final symbolic link; -1 and errno on failure. Directories made on
// the way and files get group permissions, as the umask allows.
Fd open_below(int dir, const std::string& name, int flags);
bool make_directories(const std::string& path, Error& error);

// Reads up to `size` bytes; stops at the end of the file. What the disk refuses to read comes as 0xff, which
// no structure accepts. Returns how many bytes `buffer` holds.
size_t read_at(int fd, void* buffer, size_t size, uint64_t offset) noexcept;
bool write_all(int fd, const void* data, size_t size, uint64_t offset) noexcept;

// Size of a regular file; -1 for anything else (errno EINVAL).
int64_t regular_size(int fd) noexcept;

// Names in a directory, without "." and "..".
bool list_names(int dir, std::vector<std::string>& names, Error& error);

// When a directory was looked through. To look again costs one system call while nothing was made, renamed or
// removed in it.
class Looked {
 public:
  // Whether anything may have been since the last call that said so; to be asked before looking.
  bool changed(int dir, const char* path = "") noexcept;
  // What was found counts for nothing: the next call says that it may.
  void forget() noexcept { at_ = {}; }

 private:
  struct timespec at_ {};  // the directory's time; 0: unknown
};

// Of what was just made, whatever the umask is. Where that is refused, whoever does not get in says so.
void set_mode(int dir, const char* name, mode_t mode) noexcept;

// Opens a FIFO for reading and writing, non-blocking. With `make`, creates it, and replaces what is not one.
Fd open_fifo(int dir, const char* name, bool make, Error& error);

uint64_t now_us() noexcept;  // wall clock, since 1970
int64_t monotonic_ms() noexcept;

}  // namespace nnoe::journal
