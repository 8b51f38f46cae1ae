// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/actions.h"

#include <algorithm>
#include <cstring>

namespace nnoe::tables {

namespace {

std::string about(size_t id, const char* what) { return "action " + std::to_string(id) + " " + what; }

// Null, or what is wrong with the numbers of one record.
const char* wrong_numbers(const Action& action) noexcept {
  if (action.act >= kActs) return "does something that is unknown";
  if (action.ttl > kMaxTtl) return "has a TTL of more than a week";
  if (action.a > kMaxAddresses || action.aaaa > kMaxAddresses) return "has more than 8 addresses of a family";
  const bool answer = action.a > 0 || action.aaaa > 0 || action.cname_bytes > 0;
  if (answer != (action.what() == Act::kRedirect)) return answer ? "has an answer" : "has no answer";
  if (action.cname_bytes > 0 && (action.a > 0 || action.aaaa > 0)) return "has a CNAME beside addresses";
  if ((action.pool_bytes > 0) != (action.what() == Act::kPool)) return "has a pool or lacks one";
  if (action.pool_bytes > kMaxPool) return "has a pool with a long name";
  if (action.ede_bytes > kMaxEdeText) return "has a long text";
  if (action.ede == kNoEde && action.ede_bytes > 0) return "has a text without an extended error";
  return nullptr;
}

bool printable(std::string_view text, bool ascii) noexcept {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte >= 0x20 && byte != 0x7f && (byte < 0x80 || !ascii);
  });
}

// Null, or what is wrong with what is behind the numbers, which lies where they say.
const char* wrong_payload(const Action& action) noexcept {
  if (action.cname_bytes > 0 && !is_wire_name(action.cname_data(), action.cname_bytes))
    return "has a CNAME that is no name";
  if (!printable(action.pool(), true)) return "has a pool whose name is not printable";
  if (!printable(action.ede_text(), false)) return "has a text that is not printable";
  return nullptr;
}

bool is_allow(const Action& action) noexcept {
  return action.what() == Act::kAllow && action.ttl == 0 && action.ede == kNoEde &&
         action.payload_bytes() == 0;
}

}  // namespace

bool is_wire_name(const uint8_t* data, size_t size) noexcept {
  if (size > kMaxName) return false;
  for (size_t at = 0; at < size; at += 1 + size_t{data[at]}) {
    if (data[at] == 0) return at + 1 == size;
    if (data[at] > 63) return false;
  }
  return false;
}

bool Actions::open(Body body, Actions& out, std::string& why) {
  ActionsHeader header{};
  if (body.size < sizeof header) return why = "shorter than its header", false;
  std::memcpy(&header, body.data, sizeof header);
  if (header.zero != 0) return why = "its header has a field that is not zero", false;
  if (header.count == 0 || header.count > kMaxActions) return why = "holds no action, or too many", false;
  size_t end = sizeof header + size_t{header.count} * sizeof(Action);
  if (end > body.size) return why = "shorter than its actions", false;
  const auto* first = reinterpret_cast<const Action*>(body.data + sizeof header);
  for (uint32_t id = 0; id < header.count; ++id) {
    const Action& action = first[id];
    const char* wrong = wrong_numbers(action);
    const size_t begin = sizeof header + id * sizeof action;
    if (wrong == nullptr && begin + action.payload != end) wrong = "does not follow the one before";
    if (wrong == nullptr && action.payload_bytes() > body.size - end) wrong = "ends behind the section";
    if (wrong == nullptr) wrong = wrong_payload(action);
    if (wrong != nullptr) return why = about(id, wrong), false;
    end += action.payload_bytes();
  }
  if (end != body.size) return why = "has bytes behind its last action", false;
  if (!is_allow(first[0])) return why = "action 0 is not allow", false;
  out.first_ = first;
  out.count_ = header.count;
  return true;
}

ActionsBuilder::ActionsBuilder() {
  std::string why;
  ActionSpec allow;
  allow.ttl = 0;
  add(allow, why);
}

int32_t ActionsBuilder::add(const ActionSpec& spec, std::string& why) {
  if (spec.a.size() > kMaxAddresses || spec.aaaa.size() > kMaxAddresses)
    return why = "more than 8 addresses of a family", -1;
  if (spec.cname.size() > kMaxName) return why = "a CNAME of more than 255 bytes", -1;
  if (spec.pool.size() > kMaxPool) return why = "a pool's name of more than 64 bytes", -1;
  if (spec.ede_text.size() > kMaxEdeText) return why = "a text of more than 200 bytes", -1;
  std::string bytes;
  for (const uint32_t address : spec.a)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(address >> shift & 0xff);
  for (const std::string& address : spec.aaaa) {
    if (address.size() != 16) return why = "an IPv6 address that is not 16 bytes", -1;
    bytes += address;
  }
  bytes += spec.cname + spec.pool + spec.ede_text;
  const Action record{static_cast<uint8_t>(spec.act),
                      static_cast<uint8_t>(spec.a.size()),
                      static_cast<uint8_t>(spec.aaaa.size()),
                      static_cast<uint8_t>(spec.cname.size()),
                      static_cast<uint8_t>(spec.pool.size()),
                      static_cast<uint8_t>(spec.ede_text.size()),
                      spec.ede,
                      spec.act == Act::kAllow ? 0 : spec.ttl,
                      sizeof(Action)};
  std::string key(reinterpret_cast<const char*>(&record), sizeof record);
  key += bytes;
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  if (actions_.size() == kMaxActions) return why = "more than 1,024 different actions", -1;
  // The record at the beginning of `key` is followed by its payload, as `payload` says: checked as readers
  // do.
  alignas(Action) char copy[sizeof(Action) + 1024];
  static_assert(kMaxAddresses * 20 + kMaxName + kMaxPool + kMaxEdeText <= 1024);
  std::memcpy(copy, key.data(), key.size());
  const auto& whole = *reinterpret_cast<const Action*>(copy);
  const char* wrong = wrong_numbers(whole);
  if (wrong == nullptr) wrong = wrong_payload(whole);
  if (wrong == nullptr && whole.what() == Act::kAllow && !is_allow(whole)) wrong = "allows, and has an error";
  if (wrong != nullptr) return why = std::string("the action ") + wrong, -1;
  const auto id = static_cast<int32_t>(actions_.size());
  actions_.push_back({record, bytes});
  known_.emplace(std::move(key), id);
  return id;
}

std::vector<uint8_t> ActionsBuilder::build() const {
  const ActionsHeader header{static_cast<uint32_t>(actions_.size()), 0};
  std::vector<uint8_t> body(sizeof header + actions_.size() * sizeof(Action));
  std::memcpy(body.data(), &header, sizeof header);
  size_t begin = sizeof header;
  for (const Encoded& each : actions_) {
    Action record = each.record;
    record.payload = static_cast<uint32_t>(body.size() - begin);
    std::memcpy(body.data() + begin, &record, sizeof record);
    body.insert(body.end(), each.payload.begin(), each.payload.end());
    begin += sizeof record;
  }
  return body;
}

}  // namespace nnoe::tables
