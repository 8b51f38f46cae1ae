// SPDX-License-Identifier: MPL-2.0
// A question with what programs derive from it, each thing made when a test first asks for it.
#pragma once

#include <cstring>

#include "shm/tables/program.h"

namespace nnoe::tables {

class Asked {
 public:
  explicit Asked(const Request& request) noexcept : request_(request) {}
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  const Request& request() const noexcept { return request_; }

  std::string_view text(program::Text which) noexcept {
    if (which == program::Text::kClient) {
      if (client_bytes_ == kNotMade) make_client();
      return {client_, client_bytes_};
    }
    if (name_bytes_ == kNotMade) make_name();
    return {name_, name_bytes_};
  }

  // Labels without the root's.
  uint32_t labels() noexcept {
    if (labels_ == kNotMade) walk();
    return labels_;
  }
  // Where label `i` begins in the wire form; labels() must have been asked before.
  uint32_t label_at(uint32_t i) const noexcept { return label_at_[i]; }
  // Whether text and wire form differ in nothing but dots for lengths: no byte is written as an escape. Asked
  // by way of letters, digits, '-', '_' and '/': other names count as not plain, which is slower, not wrong.
  bool plain() noexcept {
    if (labels_ == kNotMade) walk();
    return plain_;
  }

  // The address as IPv4, when it is one or maps one.
  bool v4(uint32_t& address) const noexcept;

 private:
  static constexpr uint32_t kNotMade = 0xffffffffu;

  void walk() noexcept;
  void make_name() noexcept {
    name_bytes_ = static_cast<uint32_t>(name_text(request_.name, request_.name_bytes, name_));
  }
  void make_client() noexcept {
    client_bytes_ = static_cast<uint32_t>(client_text(request_.address, request_.address_bytes, client_));
  }

  const Request& request_;
  uint32_t labels_ = kNotMade;
  uint32_t name_bytes_ = kNotMade;
  uint32_t client_bytes_ = kNotMade;
  bool plain_ = false;
  // Left as they are until they are made.
  uint8_t label_at_[kMaxLabels + 1];
  char client_[kClientTextBytes + 3];
  char name_[kNameTextBytes + kBodySlack];
};

}  // namespace nnoe::tables
