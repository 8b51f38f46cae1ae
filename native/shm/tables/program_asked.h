// SPDX-License-Identifier: MPL-2.0
// A question with the texts that programs derive from it, each made when a test first asks for it.
#pragma once

#include <cstring>

#include "shm/tables/program.h"

namespace nnoe::tables {

class Asked {
 public:
  explicit Asked(const Request& request) noexcept : request_(request) {}
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  std::string_view text(program::Text which) noexcept {
    if (which == program::Text::kClient) {
      if (client_bytes_ == kNotMade) make_client();
      return {client_, client_bytes_};
    }
    if (name_bytes_ == kNotMade) make_name();
    return {name_, name_bytes_};
  }

 private:
  static constexpr uint32_t kNotMade = 0xffffffffu;

  void make_name() noexcept {
    name_bytes_ = static_cast<uint32_t>(name_text(request_.name, request_.name_bytes, name_));
  }
  void make_client() noexcept {
    client_bytes_ = static_cast<uint32_t>(client_text(request_.address, request_.address_bytes, client_));
  }

  const Request& request_;
  uint32_t name_bytes_ = kNotMade;
  uint32_t client_bytes_ = kNotMade;
  // Left as they are until they are made.
  char client_[kClientTextBytes + 3];
  char name_[kNameTextBytes + kBodySlack];
};

}  // namespace nnoe::tables
