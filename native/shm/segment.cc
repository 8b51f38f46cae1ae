// SPDX-License-Identifier: MPL-2.0
#include "shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shm/crc32c.h"

namespace nnoe::journal {
namespace {

constexpr size_t kNumberDigits = 16;
constexpr const char* kSegmentTemporary = "segment.tmp";
constexpr const char* kMetaTemporary = "meta.tmp";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Gives the file blocks of its own. File systems without fallocate get zeros written instead.
bool reserve(int fd, uint64_t bytes) {
  if (::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0) return true;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return false;
  const std::vector<uint8_t> zeros(256 * 1024);
  const auto have = static_cast<uint64_t>(std::max<int64_t>(regular_size(fd), 0));
  for (uint64_t at = have; at < bytes; at += zeros.size()) {
    if (!write_all(fd, zeros.data(), std::min<uint64_t>(zeros.size(), bytes - at), at)) return false;
  }
  return true;
}

Mapping map_file(int fd, uint64_t bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return data == MAP_FAILED ? Mapping() : Mapping(static_cast<uint8_t*>(data), bytes);
}

// Write faults for every page, taken here instead of in append; MAP_POPULATE would only map for reading.
void touch(const Mapping& mapping) {
#ifdef MADV_POPULATE_WRITE
  if (::madvise(mapping.data(), mapping.size(), MADV_POPULATE_WRITE) == 0) return;
#endif
  volatile uint8_t* bytes = mapping.data();  // kernels before 5.14
  for (size_t at = 0; at < mapping.size(); at += layout::kPage) bytes[at] = 0;
}

template <typename T>
uint32_t checksum(const T& value) {
  return crc32c(0, &value, offsetof(T, crc));
}

}  // namespace

std::string hex(const Id& id) {
  std::string text;
  for (const uint8_t byte : id) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

Id random_id() {
  Id id{};
  if (::getrandom(id.data(), id.size(), GRND_NONBLOCK) != static_cast<ssize_t>(id.size())) {
    const uint64_t parts[2] = {now_us(), static_cast<uint64_t>(::getpid())};
    std::memcpy(id.data(), parts, id.size());
  }
  return id;
}

Id boot_id() {
  Id id{};
  const Fd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[64] = {};
  if (!fd || ::read(fd.get(), text, sizeof text - 1) <= 0) return id;
  size_t digit = 0;
  for (const char* c = text; *c != 0 && digit < 2 * id.size(); ++c) {
    const int value = hex_value(*c);
    if (value < 0) continue;
    id[digit / 2] = static_cast<uint8_t>(id[digit / 2] << 4 | value);
    ++digit;
  }
  return id;
}

std::string segment_name(uint64_t number) {
  std::string name(kNumberDigits, '0');
  for (size_t i = kNumberDigits; i > 0; --i, number >>= 4) name[i - 1] = "0123456789abcdef"[number & 15];
  return name + layout::kSegmentSuffix;
}

bool parse_segment_name(const std::string& name, uint64_t& number) {
  const size_t suffix = std::strlen(layout::kSegmentSuffix);
  if (name.size() != kNumberDigits + suffix || name.substr(kNumberDigits) != layout::kSegmentSuffix)
    return false;
  number = 0;
  for (size_t i = 0; i < kNumberDigits; ++i) {
    const int value = hex_value(name[i]);
    if (value < 0) return false;
    number = number << 4 | static_cast<uint64_t>(value);
  }
  return number != 0 && number < layout::kMaxSeq;
}

bool list_segments(int dir, std::vector<uint64_t>& numbers, Error& error) {
  std::vector<std::string> names;
  if (!list_names(dir, names, error)) return false;
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (parse_segment_name(name, number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return true;
}

Mapping create_segment(int dir, const Id& id, uint64_t number, uint64_t bytes, bool prefault, Error& error) {
  const Fd fd = open_below(dir, kSegmentTemporary, O_RDWR | O_CREAT | O_TRUNC);
  if (!fd) return error = system_error("create", kSegmentTemporary), Mapping();
  Mapping mapping;
  if (!reserve(fd.get(), bytes)) {
    error = system_error("reserve blocks for", segment_name(number));
  } else if (!(mapping = map_file(fd.get(), bytes))) {
    error = system_error("map", segment_name(number));
  }
  if (mapping) {
    if (prefault) touch(mapping);
    layout::SegmentHeader header{};
    header.magic = layout::kSegmentMagic;
    header.version = layout::kVersion;
    std::memcpy(header.id, id.data(), id.size());
    header.number = number;
    header.bytes = bytes;
    header.created_us = now_us();
    header.crc = checksum(header);
    std::memcpy(mapping.data(), &header, sizeof header);
    if (::renameat(dir, kSegmentTemporary, dir, segment_name(number).c_str()) == 0) return mapping;
    error = system_error("rename", segment_name(number));
  }
  ::unlinkat(dir, kSegmentTemporary, 0);
  return {};
}

Mapping map_segment(int dir, uint64_t number, uint64_t bytes, Error& error) {
  const Fd fd = open_below(dir, segment_name(number), O_RDWR);
  if (!fd) return error = system_error("open", segment_name(number)), Mapping();
  if (!reserve(fd.get(), bytes))
    return error = system_error("reserve blocks for", segment_name(number)), Mapping();
  Mapping mapping = map_file(fd.get(), bytes);
  if (!mapping) error = system_error("map", segment_name(number));
  return mapping;
}

Check read_meta(int dir, layout::Meta& meta, Error& error) {
  const Fd fd = open_below(dir, layout::kMetaName, O_RDONLY | O_NONBLOCK);
  if (!fd) {
    error = system_error("open", layout::kMetaName);
    if (error.code == ENOENT) return Check::kAbsent;
    return error.code == ELOOP ? Check::kDamaged : Check::kDenied;
  }
  if (regular_size(fd.get()) < 0 || read_at(fd.get(), &meta, sizeof meta, 0) != sizeof meta)
    return Check::kDamaged;
  if (meta.magic != layout::kMetaMagic) return Check::kDamaged;
  if (meta.version != layout::kVersion) return Check::kVersion;
  const bool good =
      meta.crc == checksum(meta) && meta.base <= layout::kMaxSeq && meta.head <= layout::kMaxSeq;
  return good ? Check::kGood : Check::kDamaged;
}

bool write_meta(int dir, layout::Meta meta, Error& error) {
  meta.magic = layout::kMetaMagic;
  meta.version = layout::kVersion;
  meta.crc = checksum(meta);
  ::unlinkat(dir, kMetaTemporary, 0);
  const Fd fd = open_below(dir, kMetaTemporary, O_WRONLY | O_CREAT | O_EXCL);
  if (!fd || !write_all(fd.get(), &meta, sizeof meta, 0) ||
      ::renameat(dir, kMetaTemporary, dir, layout::kMetaName) != 0) {
    error = system_error("write", layout::kMetaName);
    return false;
  }
  return true;
}

Check read_segment_header(int fd, layout::SegmentHeader& header) {
  const int64_t size = regular_size(fd);
  if (size < 0 || read_at(fd, &header, sizeof header, 0) != sizeof header) return Check::kDamaged;
  if (header.magic != layout::kSegmentMagic || header.crc != checksum(header)) return Check::kDamaged;
  if (header.version != layout::kVersion) return Check::kVersion;
  const bool good = header.bytes == static_cast<uint64_t>(size) && header.bytes >= layout::kMinSegment &&
                    header.bytes <= layout::kMaxSegment && header.bytes % layout::kPage == 0;
  return good ? Check::kGood : Check::kDamaged;
}

std::string other_version(uint32_t found) {
  return "format version " + std::to_string(found) + ", this release has " + std::to_string(layout::kVersion);
}

}  // namespace nnoe::journal
