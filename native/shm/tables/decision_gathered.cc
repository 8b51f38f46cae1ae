// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/decision_gathered.h"

#include <cstring>

namespace nnoe::tables {
namespace {

// Letters of a name are one in either case, wherever they stand: a length is never one (at most 63).
size_t fold(const uint8_t* name, size_t size, char* out) noexcept {
  for (size_t i = 0; i < size; ++i) {
    const uint8_t byte = name[i];
    out[i] = static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
  }
  return size;
}

}  // namespace

void RecordSample::add(const uint8_t* record, size_t bytes, uint64_t random) {
  if (bytes_.empty()) bytes_.resize(kMost * kMaxRecord);
  const uint64_t at = seen_++ < kMost ? count_++ : random % seen_;
  if (at < kMost) std::memcpy(bytes_.data() + at * kMaxRecord, record, bytes);
}

void RecordSample::clear() noexcept {
  count_ = 0;
  seen_ = 0;
}

Gathered::Gathered(uint64_t secret)
    : names(secret), clients(secret), blocked_names(secret), blocked_clients(secret), random_(secret | 1) {}

uint64_t Gathered::random() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

void Gathered::take(const uint8_t* from, size_t bytes, uint32_t weight, uint64_t since_us) {
  char folded[kMaxName];
  for (size_t at = 0; at < bytes;) {
    DecisionRecord record;
    std::memcpy(&record, from + at, sizeof record);
    const uint8_t* const whole = from + at;
    const size_t size = size_t{record.words} * 8;
    at += size;
    if (record.time_us < since_us) continue;
    ++records;
    const uint8_t* const address = whole + sizeof record;
    const std::string_view client(reinterpret_cast<const char*>(address), record.address_bytes);
    const std::string_view name(folded, fold(address + record.address_bytes, record.name_bytes, folded));
    names.add(name, weight);
    clients.add(client, weight);
    all.add(whole, size, random());
    if (!blocks(record.verdict.act)) continue;
    blocked_names.add(name, weight);
    blocked_clients.add(client, weight);
    blocked.add(whole, size, random());
  }
}

void Gathered::clear() noexcept {
  records = lost = damaged = 0;
  for (HeavyHitters* each : {&names, &clients, &blocked_names, &blocked_clients}) each->clear();
  all.clear();
  blocked.clear();
}

}  // namespace nnoe::tables
