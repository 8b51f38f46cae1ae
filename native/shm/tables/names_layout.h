// SPDX-License-Identifier: MPL-2.0
// Where the parts of a names section lie; for what makes one and what checks one.
#pragma once

#include "shm/tables/names.h"

namespace nnoe::tables::names {

constexpr uint32_t kMaxListsets = 0xffff;  // distinct ones in a section
constexpr uint32_t kBlobStart = 4;         // zero bytes, so that there are two ids' worth before every name

// Offsets in the body: header, names, tail of zeros up to a multiple of 64, buckets, sets of lists.
struct Places {
  size_t buckets;
  size_t lists;
  size_t end;
};

inline Places places_of(const Header& header) noexcept {
  Places places{};
  places.buckets = (sizeof(Header) + size_t{header.blob} + kTail + 63) / 64 * 64;
  places.lists = places.buckets + (size_t{header.buckets} + kMaxDisplaced) * sizeof(Bucket);
  places.end = places.lists + size_t{header.listsets} * sizeof(Lists);
  return places;
}

}  // namespace nnoe::tables::names
