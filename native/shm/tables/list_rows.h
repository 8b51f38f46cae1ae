// SPDX-License-Identifier: MPL-2.0
// One parser a format, each fed line by line. Lines come without their line feed; a carriage return before it
// counts as a blank.
#pragma once

#include <memory>
#include <string_view>

#include "shm/tables/list_file.h"

namespace nnoe::tables::list {

// Where rows go: what the formats have in common.
class Rows {
 public:
  Rows(const ListOptions& options, ListReport& counts, ListSink& to)
      : report(counts), sink(to), plain_reach(options.subdomains ? Reach::kSubtree : Reach::kExact) {}

  // A name as people write it, wildcard and URL included. `reach` is that of a name without a wildcard.
  void written(std::string_view text, Reach reach, Stance stance);
  void emit(const WireName& name, Reach reach, Stance stance);
  void unicode(std::string_view text, Reach reach, Stance stance);
  void fault(RowFault fault) { count_fault(report, fault, line); }

  ListReport& report;
  ListSink& sink;
  const Reach plain_reach;  // of rows that do not say how far they reach
  uint64_t line = 0;        // its number, from 1
};

class LineParser {
 public:
  virtual ~LineParser() = default;
  virtual void line(std::string_view text) = 0;
  virtual void end() {}  // of the file
};

// `format` is not kAuto.
std::unique_ptr<LineParser> make_line_parser(ListFormat format, Rows& rows);
std::unique_ptr<LineParser> make_zone_parser(Rows& rows);

// What the beginning of a file looks like; kAuto: like nothing known.
ListFormat detect_format(std::string_view head);

// Text before a comment that begins with one of `marks` at the line's beginning or behind a blank.
std::string_view without_comment(std::string_view text, const char* marks) noexcept;

}  // namespace nnoe::tables::list
