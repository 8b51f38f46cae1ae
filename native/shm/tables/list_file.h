// SPDX-License-Identifier: MPL-2.0
// Reads files of domain names as they are published: hosts files, plain names, adblock rules, dnsmasq
// configuration, response policy zones. Streaming: memory is one read buffer and one line, whatever the size
// of the file. A row that cannot be used is counted by reason and never stops the rest.
//
// Chosen for files from elsewhere, where any byte may come; not for files of ours. Runs on a helper thread:
// about 0.1 to 0.2 us a row.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shm/tables/layout.h"

namespace nnoe::tables {

enum class ListFormat : uint8_t { kAuto, kHosts, kDomains, kAdblock, kDnsmasq, kRpz };
constexpr size_t kListFormats = 6;
constexpr const char* kListFormatNames[kListFormats] = {"auto",    "hosts",   "domains",
                                                        "adblock", "dnsmasq", "rpz"};

enum class Reach : uint8_t {
  kExact,    // this name alone
  kSubtree,  // this name and every name below it
  kBelow,    // every name below it, but not this one
};

enum class Stance : uint8_t {
  kListed,     // the row puts the name on the list
  kException,  // the row takes it off: `@@||x^`, rpz-passthru, dnsmasq's `server=/x/#`
};

// Why a row was not used.
enum class RowFault : uint8_t {
  kSyntax,       // no row of this format
  kUnsupported,  // a rule that is about more or other things than a name
  kCharacter,    // a character that no host name has
  kLabel,        // an empty label, or one of more than 63 bytes
  kLength,       // more than 255 bytes in wire form
  kAddress,      // an IP address where a name was expected
  kUrl,          // a URL that names more than a host
  kWildcard,     // an asterisk that is not the whole first label
  kTarget,       // a name with an address of its own, which asks for an answer and not for a block
  kIdna,         // an internationalised name that is none: bad punycode, or not convertible
  kEncoding,     // not UTF-8
  kLine,         // a line of more than kMaxListLine bytes
  kOutside,      // a name outside of its zone
};
constexpr size_t kRowFaults = 13;
constexpr const char* kRowFaultNames[kRowFaults] = {
    "syntax",   "unsupported", "character", "label",    "length", "address", "url",
    "wildcard", "target",      "idna",      "encoding", "line",   "outside"};

constexpr size_t kMaxListLine = 65536;  // bytes; also of one zone record over several lines
constexpr size_t kFaultLines = 5;       // line numbers kept for each fault

struct FaultCount {
  uint64_t rows = 0;
  uint64_t lines[kFaultLines] = {};  // the first ones, from 1; 0: none
};

// What a response policy zone asks for by row. The list's subscription decides what is done; these are told.
enum class ZoneAction : uint8_t { kNxdomain, kNodata, kDrop, kTcpOnly, kPassthru, kSinkhole };
constexpr size_t kZoneActions = 6;
constexpr const char* kZoneActionNames[kZoneActions] = {"nxdomain", "nodata",   "drop",
                                                        "tcp-only", "passthru", "sinkhole"};

struct ListReport {
  ListFormat format = ListFormat::kAuto;    // in which it was read
  ListFormat detected = ListFormat::kAuto;  // what the file looks like; kAuto: nothing recognised
  uint64_t bytes = 0;
  uint64_t lines = 0;
  uint64_t names = 0;       // handed to the sink as kListed
  uint64_t exceptions = 0;  // handed to the sink as kException
  uint64_t unicode = 0;     // handed to the sink to be converted
  uint64_t local = 0;       // rows about the machine itself, such as `127.0.0.1 localhost`; left out, not bad
  uint64_t from_urls = 0;   // among names and exceptions: rows that were URLs of a whole host
  std::array<FaultCount, kRowFaults> faults{};
  std::array<uint64_t, kZoneActions> zone_actions{};
  uint32_t crc = 0;  // CRC32C of the file

  uint64_t bad() const noexcept;  // rows not used, for whatever fault
};

// Takes what a file says, in the order of its rows; a name may come more than once.
class ListSink {
 public:
  virtual ~ListSink() = default;
  // `wire`: lower case, with its root label, 1 to kMaxName bytes; valid during the call.
  virtual void name(const uint8_t* wire, size_t size, Reach reach, Stance stance) = 0;
  // A name that is not ASCII, as valid UTF-8 of at most kMaxUnicode bytes and without a trailing dot: to be
  // converted (UTS 46) and given to parse_list_name.
  virtual void unicode(std::string_view text, Reach reach, Stance stance, uint64_t line) = 0;
};
constexpr size_t kMaxUnicode = 1024;

struct ListOptions {
  ListFormat format = ListFormat::kAuto;
  bool subdomains = false;  // rows of hosts and plain names cover what is below them, too
};

// Name in wire form on the stack.
struct WireName {
  uint8_t bytes[kMaxName];
  size_t size = 0;
};

// An ASCII host name of letters, digits, `-` and `_`, with or without a trailing dot, into lower-case wire
// form;
// `.` is the root. False: `fault` says why.
bool parse_list_name(std::string_view text, WireName& out, RowFault& fault) noexcept;

// Counts a row that was found unusable after parsing, such as a name that could not be converted.
void count_fault(ListReport& report, RowFault fault, uint64_t line) noexcept;

class ListParser {
 public:
  ListParser(const ListOptions& options, ListSink& sink);
  ~ListParser();
  ListParser(const ListParser&) = delete;
  ListParser& operator=(const ListParser&) = delete;

  // The next bytes of the file, in pieces of any size.
  void feed(const char* data, size_t size);
  // After the last piece. The report stays valid with the parser.
  const ListReport& finish();

 private:
  struct State;
  State* state_;
};

// How reading a file ended. Anything but kRead means that what the sink got is not the file.
enum class ListRead : uint8_t {
  kRead,
  kUnreadable,  // see `why`
  kForeign,     // no text: compressed, UTF-16, a directory; see `why`
  kChanged,     // it was changed while it was read: try again
  kStopped,     // `stop` was set
};

// Reads the file at `path` to its end. `stop` is looked at once a megabyte; may be null.
ListRead read_list_file(const std::string& path, const ListOptions& options, ListSink& sink,
                        ListReport& report, std::string& why, const std::atomic<bool>* stop = nullptr);

// Format by its name; false: there is none of that name.
bool list_format_of(std::string_view name, ListFormat& out) noexcept;

}  // namespace nnoe::tables
