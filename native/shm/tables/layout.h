// SPDX-License-Identifier: MPL-2.0
// What every file of a tables directory has in common; TABLES.md describes the formats byte by byte. All
// numbers are little-endian and files hold these structures as they stand. The host alone writes the
// directory; whoever reads copies a file into memory of its own, then checks it, then uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "shm/layout.h"

namespace nnoe::tables {

constexpr uint32_t kVersion = 3;

// --- limits, all of them checked where a table is built and where it is opened ---

constexpr uint32_t kMaxRoleSets = 4096;  // over the life of a directory; ids are 0..4095
constexpr uint32_t kMaxLists = 256;      // likewise
constexpr uint32_t kMaxActions = 1024;   // distinct answers in one generation
constexpr size_t kMaxName = 255;    // bytes of a name in wire form, its root label included (RFC 1035, 2.3.4)
constexpr size_t kMaxLabels = 127;  // without the root label

// The role set of clients without a mapping is always number 0.
constexpr uint16_t kDefaultRoleSet = 0;
constexpr uint16_t kAbsent = 0xffff;   // no entry, ask the next table
constexpr uint16_t kRemoved = 0xfffe;  // in a delta: the base's entry counts no longer

// How many numbers of each sort a generation has; every number in every section of it is below.
struct Limits {
  uint32_t role_sets = 0;
  uint32_t lists = 0;
  uint32_t actions = 0;
};

constexpr uint64_t kManifestMagic = journal::layout::magic("NNOEmani");
constexpr uint64_t kSectionMagic = journal::layout::magic("NNOEsect");

// Kinds of section: one file each, `<name of the kind>-<16 hex digits of the generation that made it>`.
enum class Section : uint32_t {
  kRegistry = 1,       // names of role sets and lists by id
  kActions = 2,        // what can be done with a query
  kHosts = 3,          // single addresses to role sets
  kHostsDelta = 4,     // what changed since
  kPrefixes = 5,       // subnets to role sets
  kPrefixesDelta = 6,  // what changed since
  kNames = 7,          // names to lists
  kNamesDelta = 8,     // what changed since
  kSubscriptions = 9,  // role set and list to action
  kPrograms = 10,      // role set to policy program
};
constexpr uint32_t kSections = 10;
constexpr const char* kSectionNames[kSections + 1] = {
    "",      "registry",    "actions",       "hosts",   "hosts-delta", "prefixes", "prefixes-delta",
    "names", "names-delta", "subscriptions", "programs"};

constexpr size_t kIdBytes = 16;
constexpr size_t kBodyAlign = 64;

// First bytes of a section file; the body follows, to the end of the file.
struct SectionHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t kind;
  uint8_t id[kIdBytes];  // of the directory, random
  uint64_t generation;   // that made it
  uint64_t bytes;        // of the body
  uint32_t body_crc;     // CRC32C of the body
  uint32_t zero[2];
  uint32_t crc;  // CRC32C of everything before
};
static_assert(sizeof(SectionHeader) == kBodyAlign && offsetof(SectionHeader, crc) == 60);

// `manifest`, replaced by rename: this, then `count` entries in the order of their kinds, then 4 bytes of
// CRC32C of everything before.
struct Manifest {
  uint64_t magic;
  uint32_t version;
  uint32_t count;
  uint8_t id[kIdBytes];
  uint64_t generation;  // grows by at least 1 with every manifest of a directory
  uint64_t created_us;  // since 1970
};
static_assert(sizeof(Manifest) == 48);

struct ManifestEntry {
  uint32_t kind;
  uint32_t body_crc;
  uint64_t bytes;       // of the body
  uint64_t generation;  // in the file's name
};
static_assert(sizeof(ManifestEntry) == 24);
static_assert(std::is_trivially_copyable_v<SectionHeader> && std::is_trivially_copyable_v<Manifest>);

constexpr const char* kManifestName = "manifest";
constexpr const char* kManifestTemporary = "manifest.tmp";

// A body in memory: aligned to kBodyAlign, with at least kBodySlack readable bytes behind its end, so that a
// lookup may load whole vectors.
struct Body {
  const uint8_t* data = nullptr;
  size_t size = 0;
};
constexpr size_t kBodySlack = 64;

}  // namespace nnoe::tables
