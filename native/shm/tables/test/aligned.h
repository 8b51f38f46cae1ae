// SPDX-License-Identifier: MPL-2.0
// A section's body as a loader would hold it: aligned, with slack behind it, in memory of its own.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "shm/tables/bytes.h"
#include "shm/tables/layout.h"

namespace nnoe::tables::test {

class AlignedBody {
 public:
  explicit AlignedBody(const Bytes& bytes)
      : size_(bytes.size()),
        data_(static_cast<uint8_t*>(std::aligned_alloc(kBodyAlign, aligned(bytes.size() + kBodySlack)))) {
    if (!data_) throw std::bad_alloc();
    std::copy(bytes.begin(), bytes.end(), data_.get());
    // Slack is readable, and what stands there must not matter.
    std::memset(data_.get() + size_, 0xa5, aligned(size_ + kBodySlack) - size_);
  }
  Body body() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(uint8_t* memory) const noexcept { std::free(memory); }
  };
  size_t size_;
  std::unique_ptr<uint8_t, Free> data_;
};

}  // namespace nnoe::tables::test
