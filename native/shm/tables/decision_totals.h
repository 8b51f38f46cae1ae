// SPDX-License-Identifier: MPL-2.0
// What bridges that are gone had counted, in the file `totals` of a directory of decisions: so that totals
// outlive both them and the host. Written new and renamed; TABLES.md describes it.
#pragma once

#include <string>
#include <vector>

#include "shm/tables/decisions.h"

namespace nnoe::tables {

struct DecisionTotals {
  std::vector<uint64_t> counters = std::vector<uint64_t>(kCounters);
  // Files that are counted in here and may still stand there: their host was interrupted before it could
  // remove them.
  std::vector<std::string> included;
};

constexpr uint64_t kTotalsMagic = journal::layout::magic("NNOEtotl");
constexpr uint32_t kTotalsVersion = 1;
constexpr const char* kTotalsFile = "totals";

std::vector<uint8_t> encode_totals(const DecisionTotals& totals);
// False: damaged, or none.
bool decode_totals(const std::vector<uint8_t>& file, DecisionTotals& totals);

// Of the directory. A missing file is empty totals; false with the reason when there is one that cannot be
// used.
bool read_totals(int directory, DecisionTotals& totals, std::string& why);
bool write_totals(int directory, const DecisionTotals& totals, std::string& why);

}  // namespace nnoe::tables
