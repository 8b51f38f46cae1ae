// SPDX-License-Identifier: MPL-2.0
// Memory of one section: private to the process, so that nobody can change or cut it short once it was
// checked.
#pragma once

#include <utility>

#include "shm/tables/layout.h"

namespace nnoe::tables {

class Memory {
 public:
  Memory() = default;
  // Zeroed, page-aligned, with kBodySlack readable bytes behind; huge pages where the kernel allows. Empty
  // when there is no memory.
  static Memory allocate(size_t size) noexcept;
  Memory(Memory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Memory();

  uint8_t* data() noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  Body body() const noexcept { return {data_, size_}; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

 private:
  Memory(uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t* data_ = nullptr;
  size_t size_ = 0;  // asked for, without slack
};

}  // namespace nnoe::tables
