// SPDX-License-Identifier: MPL-2.0
// Segment and meta files: making, checking, listing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "shm/files.h"
#include "shm/layout.h"

namespace nnoe::journal {

using Id = std::array<uint8_t, layout::kIdBytes>;
std::string hex(const Id& id);
Id random_id();
Id boot_id();  // zeros when the kernel does not tell

std::string segment_name(uint64_t number);
bool parse_segment_name(const std::string& name, uint64_t& number);
// Numbers of the segments in a directory, ascending.
bool list_segments(int dir, std::vector<uint64_t>& numbers, Error& error);

// Creates a segment, complete under its final name, zeroed and with blocks of its own: writing to it can
// meet neither a full disk nor old bytes. `prefault` also brings in its pages, for writing.
Mapping create_segment(int dir, const Id& id, uint64_t number, uint64_t bytes, bool prefault, Error& error);

// Maps an existing segment whose header and size have been checked; makes sure of its blocks first.
Mapping map_segment(int dir, uint64_t number, uint64_t bytes, Error& error);

enum class Check {
  kGood,
  kAbsent,
  kDamaged,  // not readable as ours: foreign, cut short or flipped bits
  kVersion,  // ours, of another format version
  kDenied,   // could not be opened; see the error
};
Check read_meta(int dir, layout::Meta& meta, Error& error);
bool write_meta(int dir, layout::Meta meta, Error& error);

Check read_segment_header(int fd, layout::SegmentHeader& header);

// For people, about a version that is not ours.
std::string other_version(uint32_t found);

}  // namespace nnoe::journal
