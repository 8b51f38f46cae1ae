// SPDX-License-Identifier: MPL-2.0
#include "owners.h"

#include <sys/mman.h>

#include <new>

namespace nnoe::hook {

// Mapped rather than allocated: the pages are zero, which is an empty slot, and cost nothing until touched.
Owners::Owners() {
  void* memory = mmap(nullptr, kSlots * sizeof *slots_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  slots_ = static_cast<std::atomic<uint64_t>*>(memory);
}

Owners::~Owners() { munmap(slots_, kSlots * sizeof *slots_); }

}  // namespace nnoe::hook
