// SPDX-License-Identifier: MPL-2.0
// Journal files of any content are recovered and read: never a crash, never a record whose checksum does not
// hold, never without end. The input is a segment's bytes; its header and one of its records can be made to
// fit, so that what lies behind the checks is reached too.
// libFuzzer: clang++ build with -DNNOE_FUZZ=ON, then `fuzz_journal -runs=1000000`.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "shm/crc32c.h"
#include "shm/test/fuzz_journal.h"
#include "shm/test/support.h"

namespace {

using namespace nnoe::test;

// One directory for the whole run, on tmpfs where there is one: no disk is worn out by a million cases.
const std::string& directory() {
  static const TempDir dir(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  return dir.path();
}

void fail(const char* what) {
  std::fprintf(stderr, "fuzz_journal: %s\n", what);
  std::abort();
}

layout::Meta meta_for(uint8_t choice) {
  layout::Meta meta{};
  meta.base = 1000;
  meta.clean = choice & 1;
  meta.generation = 1;
  const Id boot = boot_id();
  if ((choice & 2) != 0) std::copy(boot.begin(), boot.end(), meta.boot);
  return meta;
}

// Makes the header valid; what follows it stays as it came.
void repair_header(std::vector<uint8_t>& bytes, uint64_t number) {
  layout::SegmentHeader header{};
  header.magic = layout::kSegmentMagic;
  header.version = layout::kVersion;
  header.number = number;
  header.bytes = bytes.size();
  header.crc = nnoe::crc32c(0, &header, offsetof(layout::SegmentHeader, crc));
  std::memcpy(bytes.data(), &header, sizeof header);
}

// Makes the checksum of the record at `offset` hold, when its length makes sense.
size_t repair_record(std::vector<uint8_t>& bytes, size_t offset) {
  layout::RecordHeader header{};
  if (offset + sizeof header > bytes.size()) return 0;
  std::memcpy(&header, bytes.data() + offset, sizeof header);
  const uint32_t length = layout::length_of(header.commit);
  if (length > kMaxPayload || offset + layout::record_bytes(length) > bytes.size()) return 0;
  const auto low = static_cast<uint32_t>(header.commit);
  uint32_t crc = nnoe::crc32c(0, bytes.data() + offset + sizeof header, length);
  crc = nnoe::crc32c_tail(crc, header.seq, low);
  header.commit = layout::commit_word(low, crc);
  std::memcpy(bytes.data() + offset, &header, sizeof header);
  return layout::record_bytes(length);
}

// Whether a record with that content and a checksum that holds stands anywhere in the file.
bool stands_in(const std::vector<uint8_t>& bytes, const Record& record) {
  for (size_t at = layout::kFirstRecord; at + sizeof(layout::RecordHeader) <= bytes.size();
       at += layout::kAlign) {
    layout::RecordHeader header{};
    std::memcpy(&header, bytes.data() + at, sizeof header);
    if (header.seq != record.seq || layout::kind_of(header.commit) != record.kind) continue;
    if (layout::length_of(header.commit) != record.size) continue;
    if (at + layout::record_bytes(record.size) > bytes.size()) continue;
    const uint8_t* payload = bytes.data() + at + sizeof header;
    if (std::memcmp(payload, record.payload, record.size) != 0) continue;
    uint32_t crc = nnoe::detail::crc32c_table(0, payload, record.size);
    const auto low = static_cast<uint32_t>(header.commit);
    crc = nnoe::detail::crc32c_table(crc, &header.seq, sizeof header.seq);
    if (nnoe::detail::crc32c_table(crc, &low, sizeof low) == layout::crc_of(header.commit)) return true;
  }
  return false;
}

void read_and_check(const std::vector<uint8_t>& bytes, uint64_t after) {
  nnoe::journal::Fd dir(::open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  layout::Meta meta{};
  nnoe::journal::Error error;
  if (read_meta(dir.get(), meta, error) != Check::kGood) return;
  Reader reader(std::move(dir), meta, after);
  Record record;
  uint64_t last = 0;
  for (size_t i = 0; reader.peek(record); ++i) {
    if (i > bytes.size()) fail("a reader does not come to an end");
    const bool made =
        record.kind == static_cast<uint8_t>(Kind::kGap) && record.size <= sizeof(EncodedGap::bytes);
    if (!made && !stands_in(bytes, record)) fail("a record was delivered that is not there");
    if (!made && record.seq <= last) fail("sequences do not rise");
    last = record.seq;
    reader.consume();
  }
}

void clear_directory() {
  for (const char* prefix : {"0", "meta", "segment"}) {
    for (const std::string& name : names(directory(), prefix)) ::unlink((directory() + "/" + name).c_str());
  }
  for (const std::string& name : names(directory(), "damaged-")) {
    const std::string inner = directory() + "/" + name;
    for (const std::string& file : names(inner, "")) ::unlink((inner + "/" + file).c_str());
    ::rmdir(inner.c_str());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t choice = data[0];
  // A whole small segment, or one cut short; what the input does not fill is zero.
  std::vector<uint8_t> bytes((choice & 4) != 0 ? size - 1 : layout::kMinSegment);
  std::memcpy(bytes.data(), data + 1, std::min(size - 1, bytes.size()));
  if ((choice & 8) == 0 && bytes.size() >= sizeof(layout::SegmentHeader)) repair_header(bytes, 1);
  if ((choice & 16) == 0) {
    size_t at = layout::kFirstRecord;
    while (const size_t step = repair_record(bytes, at)) at += at < size ? step : bytes.size();
  }
  clear_directory();
  write_file(segment_path(directory(), 1), {bytes.begin(), bytes.end()});
  const nnoe::journal::Fd dir(::open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  nnoe::journal::Error error;
  if ((choice & 32) == 0) write_meta(dir.get(), meta_for(choice), error);
  read_and_check(bytes, 0);
  read_and_check(bytes, 1000 + choice);
  const auto opened = open_journal(options(directory()), error);
  if (!opened) fail("a journal could not be opened");
  if (opened->active && opened->offset > opened->active.size())
    fail("writing would go on outside the segment");
  if (opened->next_seq == 0 || opened->next_seq > layout::kMaxSeq) fail("sequences have run out");
  return 0;
}
