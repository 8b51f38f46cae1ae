// SPDX-License-Identifier: MPL-2.0
// What a file says for a list, on its way to become the list: read, converted, and taken or left.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "shm/tables/list_file.h"
#include "shm/tables/name_store.h"

namespace nnoe::addon {

// A name beyond ASCII, to be converted by somebody who can.
struct UnicodeRow {
  std::string text;
  tables::Reach reach;
  tables::Stance stance;
  uint64_t line;
};

// One thread at a time.
class ListLoad : public tables::ListSink {
 public:
  static constexpr size_t kWithheldShown = 5;
  static constexpr size_t kMostUnicode = 200000;  // rows kept; further ones count as bad

  // `exceptions`: the list that takes what is excepted; kNoList: it only comes off this one. `protect`: names in
  // wire form and lower case that no entry may cover.
  ListLoad(tables::NameStore& store, uint32_t list, uint32_t exceptions, const std::vector<std::string>& protect);

  void name(const uint8_t* wire, size_t size, tables::Reach reach, tables::Stance stance) override;
  void unicode(std::string_view text, tables::Reach reach, tables::Stance stance, uint64_t line) override;

  // Entries as src/host/tables/names.ts packs them; throws std::invalid_argument when they are none.
  void entries(const uint8_t* data, size_t size);
  // The list and that of exceptions are what was read. Throws Failure.
  void take(tables::NameStore& store);

  tables::ListReport report;
  std::vector<UnicodeRow> unicode_rows;
  uint64_t withheld = 0;
  std::vector<std::string> withheld_first;  // wire form, a subtree with `*` in front
  uint64_t names() const noexcept { return writer_->added() - taken_off_; }  // with repetitions
  uint64_t excepted() const noexcept { return excepted_; }

 private:
  bool is_protected(std::string_view wire, tables::Reach reach) const;

  const uint32_t list_;
  const uint32_t exceptions_;
  std::unique_ptr<tables::NameSetWriter> writer_;
  std::unique_ptr<tables::NameSetWriter> exception_writer_;
  std::unordered_set<std::string> protected_;  // the names
  std::unordered_set<std::string> above_;      // and everything above them
  uint64_t excepted_ = 0;
  uint64_t taken_off_ = 0;
};

}  // namespace nnoe::addon
