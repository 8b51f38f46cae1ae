// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/memory.h"

#include <sys/mman.h>

namespace nnoe::tables {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;

size_t mapped(size_t size) { return (size + kBodySlack + kPage - 1) & ~(kPage - 1); }

}  // namespace

Memory Memory::allocate(size_t size) noexcept {
  if (size > (SIZE_MAX >> 1)) return {};
  const size_t bytes = mapped(size);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return {};
  // Advice: a small table would only waste a huge page, and a refusal costs nothing but speed.
  if (bytes >= kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
  return {static_cast<uint8_t*>(data), size};
}

Memory::~Memory() {
  if (data_ != nullptr) munmap(data_, mapped(size_));
}

}  // namespace nnoe::tables
