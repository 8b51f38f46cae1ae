// SPDX-License-Identifier: MPL-2.0
#include "params.h"

namespace nnoe::hook {

using isc::data::ConstElementPtr;
using isc::data::Element;

namespace {

constexpr int64_t kMinSegment = 64 << 10;
constexpr int64_t kMaxSegment = 1 << 30;
constexpr int64_t kPage = 4096;
constexpr int64_t kMinSegments = 4;
constexpr int64_t kMaxCap = int64_t{1} << 44;

[[noreturn]] void refuse(const std::string& name, const ConstElementPtr& found, const std::string& expected) {
  throw BadParameter("parameter '" + name + "': found " + found->str() + " (" +
                     Element::typeToName(static_cast<Element::types>(found->getType())) + "), expected " +
                     expected);
}

std::string parse_directory(const std::string& name, const ConstElementPtr& found) {
  if (found->getType() == Element::string) {
    std::string path = found->stringValue();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (path.size() > 1 && path.size() < 4000 && path[0] == '/' && path.find('\0') == std::string::npos) {
      return path;
    }
  }
  refuse(name, found, "an absolute path of a directory other than /");
}

uint64_t parse_bytes(const std::string& name, const ConstElementPtr& found, int64_t low, int64_t high) {
  if (found->getType() != Element::integer || found->intValue() < low || found->intValue() > high ||
      found->intValue() % kPage != 0) {
    refuse(name, found,
           "an integer from " + std::to_string(low) + " to " + std::to_string(high) +
               " (bytes) that is a multiple of 4096");
  }
  return static_cast<uint64_t>(found->intValue());
}

bool parse_boolean(const std::string& name, const ConstElementPtr& found) {
  if (found->getType() != Element::boolean) refuse(name, found, "true or false");
  return found->boolValue();
}

}  // namespace

Params parse_params(const ConstElementPtr& given, int family) {
  Params params;
  params.journal_directory = family == 4 ? "/var/lib/nnoe/journal/dhcp4" : "/var/lib/nnoe/journal/dhcp6";
  if (!given) return params;
  if (given->getType() != Element::map) refuse("parameters", given, "a map");
  for (const auto& [name, value] : given->mapValue()) {
    if (name == "journal-directory") {
      params.journal_directory = parse_directory(name, value);
    } else if (name == "segment-size") {
      params.segment_size = parse_bytes(name, value, kMinSegment, kMaxSegment);
    } else if (name == "journal-cap") {
      params.journal_cap = parse_bytes(name, value, kMinSegments * kMinSegment, kMaxCap);
    } else if (name == "snapshot-on-start") {
      params.snapshot_on_start = parse_boolean(name, value);
    } else {
      refuse(name, value,
             "one of 'journal-directory', 'segment-size', 'journal-cap' and 'snapshot-on-start'");
    }
  }
  if (params.journal_cap < kMinSegments * params.segment_size) {
    throw BadParameter("parameter 'journal-cap': found " + std::to_string(params.journal_cap) +
                       ", expected at least four times 'segment-size', which is " +
                       std::to_string(params.segment_size));
  }
  return params;
}

}  // namespace nnoe::hook
