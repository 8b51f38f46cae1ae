// SPDX-License-Identifier: MPL-2.0
// Between a list file and the set of names that comes of it: what protects names from being blocked, and the
// rows whose names have yet to be converted.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shm/tables/list_file.h"

namespace nnoe::tables {

// Names that no entry of a block list may cover. Built once, then read by any number of threads.
class ProtectedNames {
 public:
  void add(const WireName& name);
  // Whether the entry would block a protected name: it covers itself and is one, or covers what is below and
  // stands above one.
  bool covered_by(const uint8_t* wire, size_t size, Reach reach) const noexcept;
  bool empty() const noexcept { return places_.empty(); }

 private:
  enum class Place : uint8_t { kAbove, kItself, kBoth };
  void note(std::string_view wire, Place place);
  std::deque<std::string> texts_;  // what the keys point into
  std::unordered_map<std::string_view, Place> places_;
};

// Takes the names of one list. Called on the thread that reads the file.
class NameSink {
 public:
  virtual ~NameSink() = default;
  // As ListSink::name.
  virtual void add(const uint8_t* wire, size_t size, Reach reach, Stance stance) = 0;
};

constexpr size_t kMaxUnicodeBytes = 16u << 20;  // of rows kept to be converted; further ones count as kIdna
constexpr size_t kProtectedShown = 20;          // names that are told of those left out

// A row whose name has to be converted by somebody who can.
struct UnicodeRow {
  uint64_t line;
  Reach reach;
  Stance stance;
  std::string text;  // UTF-8
};

class ListLoader : public ListSink {
 public:
  // `guard`: null for a list that blocks nothing.
  ListLoader(NameSink& out, const ProtectedNames* guard) : out_(out), guard_(guard) {}

  void name(const uint8_t* wire, size_t size, Reach reach, Stance stance) override;
  void unicode(std::string_view text, Reach reach, Stance stance, uint64_t line) override;

  // After the file: reads it, and leaves what is to be converted in `rows`.
  ListRead read(const std::string& path, const ListOptions& options, std::string& why,
                const std::atomic<bool>* stop = nullptr);
  const std::vector<UnicodeRow>& rows() const noexcept { return rows_; }
  // The ASCII form of rows()[index]; empty when there is none.
  void converted(size_t index, std::string_view ascii);

  const ListReport& report() const noexcept { return report_; }
  uint64_t protected_count() const noexcept { return protected_; }
  // The first of those left out, as text.
  const std::vector<std::string>& protected_names() const noexcept { return shown_; }

 private:
  NameSink& out_;
  const ProtectedNames* guard_;
  ListReport report_;
  std::vector<UnicodeRow> rows_;
  size_t row_bytes_ = 0;
  std::vector<uint64_t> dropped_;  // lines of rows beyond kMaxUnicodeBytes: the first kFaultLines
  uint64_t dropped_count_ = 0;
  uint64_t protected_ = 0;
  std::vector<std::string> shown_;
};

// Presentation form without a trailing dot; the root is `.`. Bytes that stand for something there are
// escaped.
std::string name_text(const uint8_t* wire, size_t size);

}  // namespace nnoe::tables
