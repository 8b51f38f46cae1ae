// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/bytes.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace nnoe::tables {

void draw_secret(uint64_t* words, size_t count) {
  // A request of up to 256 bytes is never cut short.
  const size_t bytes = count * sizeof *words;
  ssize_t got = 0;
  do {
    got = ::getrandom(words, bytes, 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes))
    throw std::system_error(errno, std::generic_category(), "getrandom");
}

}  // namespace nnoe::tables
