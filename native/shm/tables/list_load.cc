// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/list_load.h"

#include <cstdio>
#include <utility>

namespace nnoe::tables {
namespace {

std::string_view view_of(const uint8_t* bytes, size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

void ProtectedNames::note(std::string_view wire, Place place) {
  const auto found = places_.find(wire);
  if (found == places_.end())
    places_.emplace(texts_.emplace_back(wire), place);
  else if (found->second != place)
    found->second = Place::kBoth;
}

void ProtectedNames::add(const WireName& name) {
  note(view_of(name.bytes, name.size), Place::kItself);
  for (size_t at = 0; name.bytes[at] != 0;) {
    at += size_t{name.bytes[at]} + 1;
    note(view_of(name.bytes + at, name.size - at), Place::kAbove);
  }
}

bool ProtectedNames::covered_by(const uint8_t* wire, size_t size, Reach reach) const noexcept {
  const auto found = places_.find(view_of(wire, size));
  if (found == places_.end()) return false;
  const Place place = found->second;
  return reach == Reach::kSubtree || place == Place::kBoth ||
         place == (reach == Reach::kBelow ? Place::kAbove : Place::kItself);
}

void ListLoader::name(const uint8_t* wire, size_t size, Reach reach, Stance stance) {
  if (guard_ != nullptr && stance == Stance::kListed && guard_->covered_by(wire, size, reach)) {
    ++protected_;
    if (shown_.size() < kProtectedShown) shown_.push_back(name_text(wire, size));
    return;
  }
  out_.add(wire, size, reach, stance);
}

void ListLoader::unicode(std::string_view text, Reach reach, Stance stance, uint64_t line) {
  if (row_bytes_ + sizeof(UnicodeRow) + text.size() > kMaxUnicodeBytes) {
    if (dropped_.size() < kFaultLines) dropped_.push_back(line);
    ++dropped_count_;
    return;
  }
  row_bytes_ += sizeof(UnicodeRow) + text.size();
  rows_.push_back({line, reach, stance, std::string(text)});
}

ListRead ListLoader::read(const std::string& path, const ListOptions& options, std::string& why,
                          const std::atomic<bool>* stop) {
  const ListRead read = read_list_file(path, options, *this, report_, why, stop);
  for (uint64_t i = 0; i < dropped_count_; ++i)
    count_fault(report_, RowFault::kIdna, i < dropped_.size() ? dropped_[i] : 0);
  return read;
}

void ListLoader::converted(size_t index, std::string_view ascii) {
  const UnicodeRow& row = rows_[index];
  WireName wire;
  RowFault fault = RowFault::kIdna;
  if (ascii.empty() || !parse_list_name(ascii, wire, fault)) return count_fault(report_, fault, row.line);
  ++(row.stance == Stance::kListed ? report_.names : report_.exceptions);
  name(wire.bytes, wire.size, row.reach, row.stance);
}

std::string name_text(const uint8_t* wire, size_t size) {
  std::string text;
  for (size_t at = 0; at < size && wire[at] != 0; at += size_t{wire[at]} + 1) {
    if (at != 0) text.push_back('.');
    for (size_t i = 1; i <= wire[at]; ++i) {
      const uint8_t byte = wire[at + i];
      char escaped[5];
      if (byte <= 0x20 || byte >= 0x7f) {
        std::snprintf(escaped, sizeof escaped, "\\%03u", byte);
        text += escaped;
      } else {
        if (byte == '.' || byte == '\\') text.push_back('\\');
        text.push_back(static_cast<char>(byte));
      }
    }
  }
  return text.empty() ? "." : text;
}

}  // namespace nnoe::tables
