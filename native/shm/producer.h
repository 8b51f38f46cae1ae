// SPDX-License-Identifier: MPL-2.0
// The writing side of a journal: what the Kea hook calls. Nothing here throws, blocks on disk or on the
// host, or needs the host to exist. The format is in README.md beside this file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nnoe::journal {

// Kinds of record; the payload of each is a message of proto/nnoe.proto.
enum class Kind : uint8_t { kLease = 1, kSnapshot = 2, kGap = 3, kWalkBegin = 4, kWalkEnd = 5 };

// What the producer reports about itself. Every call may come from the producer's own thread as well as
// from a thread that appends; it must not call back into the producer.
enum class Event {
  kOpened,      // detail: directory, journal id, head
  kRecovered,   // detail: what an earlier process left unfinished and where writing goes on
  kReplaced,    // detail: why the old journal was set aside, and where it was put
  kUnwritable,  // detail: the operation, path and errno text; appends are dropped and counted from now on
  kWritable,    // detail: how many appends were dropped in between
  kOverrun,     // detail: the cap was reached; which records were given up
};
using Report = std::function<void(Event, const std::string& detail)>;

// What a host asks for through the doorbell; called on the producer's own thread.
enum class Request { kWalk };
using OnRequest = std::function<void(Request)>;

struct Options {
  std::string directory;
  uint64_t segment_bytes = 8u << 20;  // 64 KiB .. 1 GiB, a multiple of 4096
  uint64_t cap_bytes = 1u << 30;      // at least 4 segments
  Report report;
  OnRequest on_request;
};

struct CursorView {
  std::string name;
  uint64_t seq;
};

struct Status {
  bool writable;
  std::string reason;  // why not writable; empty otherwise
  std::string id;      // 32 hex digits
  uint64_t head;       // sequence of the last committed record
  uint64_t oldest;     // sequence of the oldest record on disk
  uint64_t segments;
  uint64_t bytes;
  uint64_t dropped;  // appends that got no sequence number, since this process opened the journal
  std::vector<CursorView> cursors;
};

constexpr size_t kMaxPayload = 48 * 1024;  // bytes

class Producer {
 public:
  // Never fails: a journal that cannot be opened leaves a producer that is not writable, says why, counts
  // what it drops, tries again every few seconds on its own thread, and begins with a Gap record when it can
  // write again. Starts the producer's thread, unless `start()` is to do that.
  static std::unique_ptr<Producer> open(Options options) noexcept;
  virtual ~Producer() = default;  // joins the thread, releases the lock; nothing committed is lost

  // Appends one record and returns its sequence number; 0 when it was dropped and counted. Any thread.
  // `key` is any hash of what the record is about (for leases, of the address); see `Page`.
  virtual uint64_t append(Kind kind, uint64_t key, const uint8_t* payload, size_t size) noexcept = 0;

  // A snapshot page: records read outside any lock that must not undo what was appended meanwhile.
  //   uint64_t at = p->head();            // before reading Kea's lease database
  //   ... read, encode with read_at = at ...
  //   p->append_page(at, items);          // leaves out each item whose key was appended after `at`
  // Returns how many were written; -1 when so much was appended since `at` that the page must be read again.
  struct Item {
    uint64_t key;
    const uint8_t* payload;
    size_t size;
  };
  virtual int append_page(uint64_t at, const Item* items, size_t count) noexcept = 0;

  virtual uint64_t head() const noexcept = 0;
  // Bytes that the slowest cursor has not passed yet, as last seen by the producer's thread (at most 50 ms
  // old); with no cursor at all, everything on disk.
  virtual uint64_t backlog_bytes() const noexcept = 0;
  virtual Status status() const = 0;
};

}  // namespace nnoe::journal
