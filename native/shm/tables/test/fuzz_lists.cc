// SPDX-License-Identifier: MPL-2.0
// List files of any content are read to their end: every name handed over is one in wire form, the counts
// agree with what was handed over, and how the bytes were cut into pieces makes no difference.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "shm/tables/list_file.h"
#include "shm/tables/list_name.h"
#include "shm/test/fuzz_journal.h"

namespace {

using namespace nnoe::tables;

void fail(const char* what) {
  std::fprintf(stderr, "fuzz_lists: %s\n", what);
  std::abort();
}

// Everything that was handed over, as text that can be compared.
class Checking : public ListSink {
 public:
  void name(const uint8_t* wire, size_t size, Reach reach, Stance stance) override {
    if (size == 0 || size > kMaxName) fail("a name has an impossible size");
    size_t at = 0;
    while (at < size && wire[at] != 0) {
      if (wire[at] > 63) fail("a label is too long");
      for (size_t i = 1; i <= wire[at] && at + i < size; ++i)
        if (wire[at + i] >= 'A' && wire[at + i] <= 'Z') fail("a name is not in lower case");
      at += size_t{wire[at]} + 1;
    }
    if (at != size - 1) fail("the labels do not fill the name");
    ++(stance == Stance::kListed ? names : exceptions);
    said += reach == Reach::kSubtree ? 's' : 'e';
    said.append(reinterpret_cast<const char*>(wire), size);
  }
  void unicode(std::string_view text, Reach, Stance, uint64_t line) override {
    if (text.empty() || text.size() > kMaxUnicode || !list::is_utf8(text)) fail("a row to convert is none");
    ++unicodes;
    said += 'u' + std::to_string(line);
    said.append(text);
  }
  uint64_t names = 0;
  uint64_t exceptions = 0;
  uint64_t unicodes = 0;
  std::string said;
};

// `piece` 0: all at once.
std::string read_in_pieces(const uint8_t* data, size_t size, const ListOptions& options, size_t piece) {
  Checking sink;
  ListParser parser(options, sink);
  const auto* text = reinterpret_cast<const char*>(data);
  if (piece == 0) piece = size + 1;
  for (size_t at = 0; at < size; at += piece) parser.feed(text + at, size - at < piece ? size - at : piece);
  const ListReport& report = parser.finish();
  if (report.names != sink.names || report.exceptions != sink.exceptions || report.unicode != sink.unicodes)
    fail("the counts are not what was handed over");
  if (report.bytes != size) fail("bytes are missing");
  for (const FaultCount& fault : report.faults)
    for (const uint64_t line : fault.lines)
      if (line > report.lines || (line != 0 && fault.rows == 0)) fail("a fault names no line of the file");
  return sink.said + '|' + std::to_string(report.bad()) + '|' + std::to_string(report.lines) + '|' +
         std::to_string(report.local);
}

}  // namespace

// The first byte chooses the format and the size of pieces, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  ListOptions options;
  options.format = static_cast<ListFormat>(data[0] % kListFormats);
  options.subdomains = (data[0] & 64) != 0;
  const size_t piece = 1 + (data[0] & 128 ? 7 : 100);
  ++data;
  --size;
  if (read_in_pieces(data, size, options, 0) != read_in_pieces(data, size, options, piece))
    fail("pieces make a difference");
  WireName wire;
  RowFault fault = RowFault::kSyntax;
  parse_list_name({reinterpret_cast<const char*>(data), size}, wire, fault);
  return 0;
}
