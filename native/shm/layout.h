// SPDX-License-Identifier: MPL-2.0
// Every number of the on-disk format, once; README.md describes it byte by byte. Files hold these structures
// as they stand: little-endian, no padding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "shm/producer.h"

namespace nnoe::journal::layout {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian and are used in place");

constexpr uint32_t kVersion = 1;

constexpr uint64_t magic(const char (&text)[9]) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(text[i]);
  return value;
}
constexpr uint64_t kMetaMagic = magic("NNOEmeta");
constexpr uint64_t kSegmentMagic = magic("NNOEsegm");
constexpr uint64_t kCursorMagic = magic("NNOEcurs");

constexpr size_t kIdBytes = 16;

// `meta`, replaced by rename at every start and clean stop of a producer.
struct Meta {
  uint64_t magic;
  uint32_t version;
  uint32_t clean;          // 1: its producer ended in order and `head` is what it ended with
  uint8_t id[kIdBytes];    // random
  uint8_t boot[kIdBytes];  // the machine's boot id when a producer last opened it
  uint64_t base;           // sequence before the first record of this journal
  uint64_t head;           // see `clean`
  uint64_t created_us;     // since 1970
  uint32_t generation;     // counts producers that opened it
  uint32_t crc;            // CRC32C of everything before
};
static_assert(sizeof(Meta) == 80 && offsetof(Meta, crc) == 76);

// First bytes of a segment; records follow.
struct SegmentHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t zero;
  uint8_t id[kIdBytes];  // of the journal
  uint64_t number;       // also its file name
  uint64_t bytes;        // of the whole file
  uint64_t created_us;
  uint32_t zero2;
  uint32_t crc;  // CRC32C of everything before
};
static_assert(sizeof(SegmentHeader) == 64 && offsetof(SegmentHeader, crc) == 60);

// A record: this, then the payload, then zeros up to a multiple of kAlign.
struct RecordHeader {
  uint64_t commit;  // see below; 0 = nothing here (yet); stored last
  uint64_t seq;
};
static_assert(sizeof(RecordHeader) == 16);

constexpr uint64_t kAlign = 8;
constexpr uint64_t kFirstRecord = sizeof(SegmentHeader);
constexpr uint64_t kMaxSeq = (uint64_t{1} << 53) - 1;  // JavaScript numbers hold it
constexpr uint64_t kMinSegment = 64 * 1024;
constexpr uint64_t kMaxSegment = uint64_t{1} << 30;
constexpr uint64_t kPage = 4096;
static_assert(kFirstRecord % kAlign == 0);

// Commit word: bits 0..23 payload bytes, 24..31 kind, 32..63 CRC32C over payload, then seq, then the low half
// of this word. The kind is never 0, so a commit word is never 0.
constexpr uint8_t kEndKind = 0xff;  // no further record in this segment; 8 bytes, without seq or payload
constexpr uint32_t low_half(uint32_t length, uint8_t kind) {
  return length | static_cast<uint32_t>(kind) << 24;
}
constexpr uint64_t commit_word(uint32_t low, uint32_t crc) { return low | static_cast<uint64_t>(crc) << 32; }
constexpr uint32_t length_of(uint64_t commit) { return static_cast<uint32_t>(commit) & 0xffffffu; }
constexpr uint8_t kind_of(uint64_t commit) { return static_cast<uint8_t>(commit >> 24); }
constexpr uint32_t crc_of(uint64_t commit) { return static_cast<uint32_t>(commit >> 32); }
constexpr uint64_t record_bytes(uint64_t payload) {
  return (sizeof(RecordHeader) + payload + kAlign - 1) & ~(kAlign - 1);
}
static_assert(kMaxPayload < (1u << 24));
static_assert(kFirstRecord + record_bytes(kMaxPayload) <= kMinSegment, "any record fits an empty segment");

// The end marker carries a fixed checksum, so that a stray 0xff is not taken for one.
constexpr uint64_t kEndWord = commit_word(low_half(0, kEndKind), 0x4e4e4f45u);

// A cursor file is two of these; the valid one with the higher generation counts, the other is written next.
constexpr size_t kCursorName = 64;  // bytes, including a final zero
struct CursorSlot {
  uint64_t magic;
  uint32_t version;
  uint32_t zero;
  uint8_t id[kIdBytes];  // of the journal that `seq` belongs to
  uint64_t generation;
  uint64_t seq;
  char name[kCursorName];
  uint64_t zero2;
  uint32_t zero3;
  uint32_t crc;  // CRC32C of everything before
};
static_assert(sizeof(CursorSlot) == 128 && offsetof(CursorSlot, crc) == 124);
static_assert(std::is_trivially_copyable_v<Meta> && std::is_trivially_copyable_v<SegmentHeader> &&
              std::is_trivially_copyable_v<CursorSlot>);

// Bytes in the FIFOs.
constexpr char kBellSleep = 'w';  // host to producer: I sleep, signal the next record
constexpr char kBellWalk = 'r';   // host to producer: walk over the lease database
constexpr char kWakeByte = '!';   // producer to host: look

constexpr const char* kMetaName = "meta";
constexpr const char* kLockName = "producer.lock";
constexpr const char* kWakeName = "wake";
constexpr const char* kBellName = "bell";
constexpr const char* kCursorsName = "cursors";
constexpr const char* kHostLockName = "host.lock";
constexpr const char* kSegmentSuffix = ".seg";  // after 16 hex digits of its number
constexpr const char* kCursorSuffix = ".cur";   // after the cursor's name
constexpr const char* kDamagedPrefix = "damaged-";
constexpr int kDamagedKept = 2;

}  // namespace nnoe::journal::layout
