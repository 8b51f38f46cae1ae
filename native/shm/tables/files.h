// SPDX-License-Identifier: MPL-2.0
// A tables directory as files: its manifest, and sections read into memory of their own.
#pragma once

#include <string>
#include <vector>

#include "shm/files.h"
#include "shm/tables/layout.h"
#include "shm/tables/memory.h"

namespace nnoe::tables {

struct ManifestContent {
  Manifest head{};
  std::vector<ManifestEntry> entries;  // in the order of their kinds, each kind once

  const ManifestEntry* find(Section kind) const noexcept;
};

// What became of an attempt to read something.
enum class Read {
  kDone,
  kMissing,  // there is none
  kRefused,  // there is, and it cannot be used; `why` says so in one clause that names the file
};

Read read_manifest(int directory, ManifestContent& manifest, std::string& why);

// Reads the file that `entry` names, copies it and checks header and checksum; its structure is the view's to
// check. kMissing, also with `why`: there is no such file, or no longer.
Read read_section(int directory, const Manifest& head, const ManifestEntry& entry, Memory& memory,
                  std::string& why);

// `names-0000000000000012` for the names that generation 18 made.
std::string section_file(Section kind, uint64_t generation);
// The reverse; false for the name of anything else.
bool parse_section_file(const std::string& name, Section& kind, uint64_t& generation);

// What the file of a section begins with.
SectionHeader section_header(const Manifest& head, const ManifestEntry& entry);

std::vector<uint8_t> encode_manifest(const ManifestContent& manifest);

}  // namespace nnoe::tables
