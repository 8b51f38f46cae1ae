// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/answer.h"

#include <algorithm>
#include <cstring>

namespace nnoe::bridge {

using tables::Act;
using tables::Action;

namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kTypeA = 1, kTypeCname = 5, kTypeSoa = 6, kTypeAaaa = 28, kTypeOpt = 41, kTypeAny = 255;
constexpr uint16_t kClassIn = 1, kClassAny = 255;
constexpr uint8_t kNoError = 0, kNxdomain = 3, kRefused = 5;
// Header bits: third byte QR opcode AA TC RD, fourth byte RA Z AD CD rcode.
constexpr uint8_t kQr = 0x80, kOpcode = 0x78, kTc = 0x02, kRd = 0x01, kRa = 0x80, kCd = 0x10;
constexpr uint16_t kOptionEde = 15;
constexpr uint16_t kDo = 0x8000;
// What is said in our OPT record: answers of ours and of others that arrive unfragmented nearly everywhere.
constexpr uint16_t kUdpSize = 1232;
constexpr size_t kMinUdp = 512;

uint16_t read16(const uint8_t* at) noexcept { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

// What of a query an answer depends on.
struct Query {
  const uint8_t* packet = nullptr;
  size_t question_end = 0;  // from the packet's begin
  uint16_t type = 0;
  uint16_t klass = 0;
  bool edns = false;
  bool dnssec_ok = false;
  uint16_t udp_size = kMinUdp;
};

// Behind the name at `at`, which may end in a compression pointer when `pointers`; 0 when there is none.
size_t skip_name(const uint8_t* packet, size_t size, size_t at, bool pointers) noexcept {
  const size_t begin = at;
  while (at < size && packet[at] != 0) {
    if (packet[at] >= 0xc0) return pointers && at + 2 <= size ? at + 2 : 0;
    if (packet[at] > 63) return 0;
    at += 1 + size_t{packet[at]};
  }
  return at < size && at + 1 - begin <= tables::kMaxName ? at + 1 : 0;
}

// Looks for the OPT record among all others; a packet that is cut short or malformed has none.
void find_opt(const uint8_t* packet, size_t size, Query& query) noexcept {
  const int before = read16(packet + 6) + read16(packet + 8);
  const int records = before + read16(packet + 10);
  size_t at = query.question_end;
  for (int i = 0; i < records; ++i) {
    const size_t owner = at;
    at = skip_name(packet, size, at, true);
    if (at == 0 || at + 10 > size) return;
    const uint8_t* fixed = packet + at;
    at += 10 + size_t{read16(fixed + 8)};
    if (at > size) return;
    if (i < before || read16(fixed) != kTypeOpt || packet[owner] != 0) continue;
    query.edns = true;
    query.udp_size = std::max<uint16_t>(read16(fixed + 2), kMinUdp);
    query.dnssec_ok = (read16(fixed + 6) & kDo) != 0;
    return;
  }
}

bool parse(const uint8_t* packet, size_t size, Query& query) noexcept {
  if (size < kHeader || read16(packet + 4) != 1) return false;
  const size_t name_end = skip_name(packet, size, kHeader, false);
  if (name_end == 0 || name_end + 4 > size) return false;
  query.packet = packet;
  query.type = read16(packet + name_end);
  query.klass = read16(packet + name_end + 2);
  query.question_end = name_end + 4;
  find_opt(packet, size, query);
  return true;
}

// Appends to the answer; every length that comes in is bounded by the table's checks, so all of it fits.
class Writer {
 public:
  explicit Writer(uint8_t* out) noexcept : out_(out) {}

  void byte(uint8_t value) noexcept { out_[at_++] = value; }
  void word(uint16_t value) noexcept {
    byte(static_cast<uint8_t>(value >> 8));
    byte(static_cast<uint8_t>(value));
  }
  void dword(uint32_t value) noexcept {
    word(static_cast<uint16_t>(value >> 16));
    word(static_cast<uint16_t>(value));
  }
  void bytes(const void* data, size_t size) noexcept {
    if (size == 0) return;
    std::memcpy(out_ + at_, data, size);
    at_ += size;
  }
  // A record of the name in question.
  void record(uint16_t type, uint16_t klass, uint32_t ttl, size_t data_bytes) noexcept {
    word(kHere);
    word(type);
    word(klass);
    dword(ttl);
    word(static_cast<uint16_t>(data_bytes));
  }
  size_t size() const noexcept { return at_; }

  static constexpr uint16_t kHere = 0xc000 | kHeader;  // compression pointer to the question's name

 private:
  uint8_t* out_;
  size_t at_ = 0;
};

struct Counts {
  uint16_t answers = 0;
  uint16_t authority = 0;
};

// Made up, as RFC 6303 does for zones that exist to be empty: the name itself, and nobody to write to.
// Resolvers keep a negative answer for the SOA's minimum, and none without a SOA.
void write_soa(Writer& out, uint16_t klass, uint32_t ttl) noexcept {
  static constexpr uint8_t kNobody[] = "\6nobody\7invalid";
  static constexpr uint32_t kTimes[] = {1, 3600, 1200, 604800};  // serial; refresh, retry, expire in s
  out.record(kTypeSoa, klass, ttl, 2 + sizeof kNobody + 20);
  out.word(Writer::kHere);
  out.bytes(kNobody, sizeof kNobody);
  for (const uint32_t value : kTimes) out.dword(value);
  out.dword(ttl);
}

void write_addresses(Writer& out, uint16_t type, uint16_t klass, uint32_t ttl, const uint8_t* data,
                     size_t count) noexcept {
  const size_t bytes = type == kTypeA ? 4 : 16;
  for (size_t i = 0; i < count; ++i) {
    out.record(type, klass, ttl, bytes);
    out.bytes(data + i * bytes, bytes);
  }
}

// Nothing when the action has none of what was asked.
uint16_t write_redirection(Writer& out, const Query& query, uint16_t klass, const Action& action) noexcept {
  if (klass != kClassIn) return 0;
  if (action.cname_bytes > 0) {
    out.record(kTypeCname, klass, action.ttl, action.cname_bytes);
    out.bytes(action.cname_data(), action.cname_bytes);
    return 1;
  }
  const bool any = query.type == kTypeAny;
  const size_t a = any || query.type == kTypeA ? action.a : 0;
  const size_t aaaa = any || query.type == kTypeAaaa ? action.aaaa : 0;
  write_addresses(out, kTypeA, klass, action.ttl, action.a_data(), a);
  write_addresses(out, kTypeAaaa, klass, action.ttl, action.aaaa_data(), aaaa);
  return static_cast<uint16_t>(a + aaaa);
}

Counts write_records(Writer& out, const Query& query, Act act, const Action& action) noexcept {
  Counts counts;
  const uint16_t klass = query.klass == kClassAny ? kClassIn : query.klass;
  if (act == Act::kRedirect) counts.answers = write_redirection(out, query, klass, action);
  // dnsdist, 1.7 to 2.1, replaces the OPT record of an answer without records by one that has no extended
  // error.
  const bool keeps_opt = act == Act::kRefused && query.edns && action.ede != tables::kNoEde;
  const bool negative = act == Act::kNxdomain || act == Act::kNodata || act == Act::kRedirect;
  if (counts.answers > 0 || !(negative || keeps_opt)) return counts;
  write_soa(out, klass, action.ttl);
  counts.authority = 1;
  return counts;
}

void write_opt(Writer& out, const Query& query, const Action& action, bool with_error) noexcept {
  const size_t error = with_error && action.ede != tables::kNoEde ? size_t{6} + action.ede_bytes : 0;
  out.byte(0);
  out.word(kTypeOpt);
  out.word(kUdpSize);
  out.word(0);  // extended rcode and version
  out.word(query.dnssec_ok ? kDo : 0);
  out.word(static_cast<uint16_t>(error));
  if (error == 0) return;
  out.word(kOptionEde);
  out.word(static_cast<uint16_t>(error - 4));
  out.word(action.ede);
  out.bytes(action.ede_text().data(), action.ede_bytes);
}

// Only a question about data can be answered with data; NOTIFY and UPDATE are refused.
Act act_for(const Query& query, const Action& action) noexcept {
  const bool asks = (query.packet[2] & kOpcode) == 0;
  return asks || action.what() == Act::kTruncate ? action.what() : Act::kRefused;
}

void write_header(Writer& out, const Query& query, Act act, bool truncated) noexcept {
  const uint8_t rd = query.packet[2] & kRd;
  const uint8_t rcode = act == Act::kNxdomain ? kNxdomain : act == Act::kRefused ? kRefused : kNoError;
  out.bytes(query.packet, 2);
  out.byte(static_cast<uint8_t>(kQr | (query.packet[2] & kOpcode) | (truncated ? kTc : 0) | rd));
  // "Recursion available" where it was desired, as dnsdist says in answers of its own.
  out.byte(
      static_cast<uint8_t>((rd != 0 ? kRa : 0) | (query.packet[3] & kCd) | (truncated ? kNoError : rcode)));
}

// One attempt; the caller looks whether it fits.
size_t write(const Query& query, Act act, const Action& action, bool truncated, bool with_error,
             uint8_t* out) noexcept {
  Writer writer(out);
  write_header(writer, query, act, truncated);
  writer.word(1);
  writer.dword(0);
  writer.word(query.edns ? 1 : 0);
  writer.bytes(query.packet + kHeader, query.question_end - kHeader);
  const Counts counts = truncated ? Counts{} : write_records(writer, query, act, action);
  out[7] = static_cast<uint8_t>(counts.answers);
  out[9] = static_cast<uint8_t>(counts.authority);
  if (query.edns) write_opt(writer, query, action, with_error);
  return writer.size();
}

uint8_t lower(uint8_t byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte | 0x20) : byte;
}

}  // namespace

size_t answer(const uint8_t* packet, size_t size, Transport transport, const Action& action,
              uint8_t (&out)[kMaxAnswer]) noexcept {
  Query query;
  if (!parse(packet, size, query)) return 0;
  const Act act = act_for(query, action);
  const size_t limit = transport == Transport::kTcp ? kMaxAnswer : query.udp_size;
  const bool truncated = act == Act::kTruncate;
  size_t written = write(query, act, action, truncated, true, out);
  if (written > limit) written = write(query, act, action, truncated, false, out);
  if (written > limit) written = write(query, act, action, true, false, out);
  return written;
}

bool redirects_to(const Action& action, const uint8_t* name, size_t size) noexcept {
  if (action.what() != Act::kRedirect || action.cname_bytes == 0 || action.cname_bytes != size) return false;
  const uint8_t* target = action.cname_data();
  return std::equal(name, name + size, target, [](uint8_t a, uint8_t b) { return lower(a) == lower(b); });
}

}  // namespace nnoe::bridge
