// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/files.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shm/crc32c.h"
#include "shm/denied.h"

namespace nnoe::tables {
namespace {

using journal::Fd;

constexpr uint64_t kMaxSection = uint64_t{1} << 36;  // 64 GiB
constexpr size_t kPiece = size_t{256} << 10;
constexpr size_t kManifestTail = sizeof(uint32_t);

Read refuse(std::string& why, const std::string& file, const std::string& what) {
  why = file + ": " + what;
  return Read::kRefused;
}

std::string number(uint64_t value) { return std::to_string(value); }

Read open_file(int directory, const std::string& name, Fd& fd, uint64_t& size, std::string& why) {
  fd = journal::open_below(directory, name, O_RDONLY | O_NONBLOCK);  // a FIFO would hold us
  if (!fd) {
    if (errno == ENOENT) return Read::kMissing;
    const int code = errno;
    const std::string by = journal::denied_at(directory, name, journal::Want::kRead, code);
    return refuse(why, name, std::strerror(code) + by);
  }
  const int64_t bytes = journal::regular_size(fd.get());
  if (bytes < 0) return refuse(why, name, "not a regular file");
  size = static_cast<uint64_t>(bytes);
  return Read::kDone;
}

Read check_entries(const std::vector<ManifestEntry>& entries, uint64_t generation, std::string& why) {
  uint32_t before = 0;
  for (const ManifestEntry& entry : entries) {
    if (entry.kind <= before || entry.kind > kSections)
      return refuse(why, kManifestName, "section kind " + number(entry.kind) + " out of order or unknown");
    if (entry.generation == 0 || entry.generation > generation || entry.bytes > kMaxSection)
      return refuse(why, kManifestName, std::string("impossible entry for ") + kSectionNames[entry.kind]);
    before = entry.kind;
  }
  return Read::kDone;
}

Read decode_manifest(const std::vector<uint8_t>& bytes, ManifestContent& manifest, std::string& why) {
  Manifest& head = manifest.head;
  if (bytes.size() < sizeof(Manifest) + kManifestTail)
    return refuse(why, kManifestName, "only " + number(bytes.size()) + " bytes");
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (head.magic != kManifestMagic) return refuse(why, kManifestName, "not a manifest of tables");
  if (head.version != kVersion)
    return refuse(why, kManifestName,
                  "format version " + number(head.version) + ", this release reads " + number(kVersion));
  const size_t expected = sizeof(Manifest) + size_t{head.count} * sizeof(ManifestEntry) + kManifestTail;
  if (head.count > kSections || bytes.size() != expected)
    return refuse(why, kManifestName,
                  number(bytes.size()) + " bytes for " + number(head.count) + " sections");
  uint32_t crc = 0;
  std::memcpy(&crc, bytes.data() + expected - kManifestTail, sizeof(crc));
  if (crc != crc32c(0, bytes.data(), expected - kManifestTail))
    return refuse(why, kManifestName, "checksum is wrong");
  manifest.entries.resize(head.count);
  std::memcpy(manifest.entries.data(), bytes.data() + sizeof(Manifest),
              size_t{head.count} * sizeof(ManifestEntry));
  return check_entries(manifest.entries, head.generation, why);
}

}  // namespace

const ManifestEntry* ManifestContent::find(Section kind) const noexcept {
  for (const ManifestEntry& entry : entries)
    if (entry.kind == static_cast<uint32_t>(kind)) return &entry;
  return nullptr;
}

Read read_manifest(int directory, ManifestContent& manifest, std::string& why) {
  Fd fd;
  uint64_t size = 0;
  if (const Read read = open_file(directory, kManifestName, fd, size, why); read != Read::kDone) return read;
  constexpr size_t kMost = sizeof(Manifest) + kSections * sizeof(ManifestEntry) + kManifestTail;
  if (size > kMost) return refuse(why, kManifestName, number(size) + " bytes, too many for a manifest");
  std::vector<uint8_t> bytes(size);
  bytes.resize(journal::read_at(fd.get(), bytes.data(), bytes.size(), 0));
  return decode_manifest(bytes, manifest, why);
}

std::vector<uint8_t> encode_manifest(const ManifestContent& manifest) {
  Manifest head = manifest.head;
  head.magic = kManifestMagic;
  head.version = kVersion;
  head.count = static_cast<uint32_t>(manifest.entries.size());
  const size_t entries = manifest.entries.size() * sizeof(ManifestEntry);
  std::vector<uint8_t> bytes(sizeof(head) + entries + kManifestTail);
  std::memcpy(bytes.data(), &head, sizeof(head));
  if (entries > 0) std::memcpy(bytes.data() + sizeof(head), manifest.entries.data(), entries);
  const uint32_t crc = crc32c(0, bytes.data(), sizeof(head) + entries);
  std::memcpy(bytes.data() + sizeof(head) + entries, &crc, sizeof(crc));
  return bytes;
}

SectionHeader section_header(const Manifest& head, const ManifestEntry& entry) {
  SectionHeader header{};
  header.magic = kSectionMagic;
  header.version = kVersion;
  header.kind = entry.kind;
  std::memcpy(header.id, head.id, kIdBytes);
  header.generation = entry.generation;
  header.bytes = entry.bytes;
  header.body_crc = entry.body_crc;
  header.crc = crc32c(0, &header, offsetof(SectionHeader, crc));
  return header;
}

Read read_section(int directory, const Manifest& head, const ManifestEntry& entry, Memory& memory,
                  std::string& why) {
  const std::string name = section_file(static_cast<Section>(entry.kind), entry.generation);
  Fd fd;
  uint64_t size = 0;
  const Read read = open_file(directory, name, fd, size, why);
  if (read == Read::kMissing) why = name + ": missing, though the manifest names it";
  if (read != Read::kDone) return read;
  if (size != sizeof(SectionHeader) + entry.bytes)
    return refuse(why, name,
                  number(size) + " bytes, the manifest says " + number(sizeof(SectionHeader) + entry.bytes));
  SectionHeader found{};
  const SectionHeader expected = section_header(head, entry);
  if (journal::read_at(fd.get(), &found, sizeof(found), 0) != sizeof(found) ||
      std::memcmp(&found, &expected, sizeof(found)) != 0)
    return refuse(why, name, "its header is not the one that the manifest names");
  memory = Memory::allocate(entry.bytes);
  if (!memory) return refuse(why, name, "no memory for " + number(entry.bytes) + " bytes");
  // Summed up piece by piece, each while it is in the caches.
  uint32_t crc = 0;
  for (uint64_t at = 0; at < entry.bytes; at += kPiece) {
    const auto piece = static_cast<size_t>(std::min<uint64_t>(kPiece, entry.bytes - at));
    if (journal::read_at(fd.get(), memory.data() + at, piece, sizeof(SectionHeader) + at) != piece)
      return refuse(why, name, "cut short while it was read");
    crc = crc32c(crc, memory.data() + at, piece);
  }
  return crc == entry.body_crc ? Read::kDone : refuse(why, name, "checksum is wrong");
}

std::string section_file(Section kind, uint64_t generation) {
  char digits[20];
  std::snprintf(digits, sizeof(digits), "-%016llx", static_cast<unsigned long long>(generation));
  return std::string(kSectionNames[static_cast<uint32_t>(kind)]) + digits;
}

bool parse_section_file(const std::string& name, Section& kind, uint64_t& generation) {
  const size_t dash = name.rfind('-');
  if (dash == std::string::npos || name.size() - dash != 17) return false;
  if (name.find_first_not_of("0123456789abcdef", dash + 1) != std::string::npos) return false;
  for (uint32_t i = 1; i <= kSections; ++i) {
    if (name.compare(0, dash, kSectionNames[i]) != 0) continue;
    kind = static_cast<Section>(i);
    generation = std::stoull(name.substr(dash + 1), nullptr, 16);
    return true;
  }
  return false;
}

}  // namespace nnoe::tables
