// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/list_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "shm/crc32c.h"
#include "shm/files.h"
#include "shm/tables/list_name.h"
#include "shm/tables/list_rows.h"

namespace nnoe::tables {
namespace {

constexpr size_t kHead = 65536;     // bytes that a format is recognised by
constexpr size_t kRead = 1u << 20;  // bytes read at a time

constexpr std::string_view kBom = "\xef\xbb\xbf";

}  // namespace

uint64_t ListReport::bad() const noexcept {
  uint64_t sum = 0;
  for (const FaultCount& fault : faults) sum += fault.rows;
  return sum;
}

void count_fault(ListReport& report, RowFault fault, uint64_t line) noexcept {
  FaultCount& count = report.faults[static_cast<size_t>(fault)];
  if (count.rows < kFaultLines) count.lines[count.rows] = line;
  ++count.rows;
}

bool list_format_of(std::string_view name, ListFormat& out) noexcept {
  for (size_t i = 0; i < kListFormats; ++i) {
    if (name != kListFormatNames[i]) continue;
    out = static_cast<ListFormat>(i);
    return true;
  }
  return false;
}

struct ListParser::State {
  State(const ListOptions& given, ListSink& sink) : options(given), rows(given, report, sink) {}

  // The format is recognised by what has come so far.
  void begin() {
    std::string_view text = head;
    if (text.substr(0, kBom.size()) == kBom) text.remove_prefix(kBom.size());
    report.detected = list::detect_format(text);
    report.format = options.format != ListFormat::kAuto    ? options.format
                    : report.detected != ListFormat::kAuto ? report.detected
                                                           : ListFormat::kDomains;
    parser = list::make_line_parser(report.format, rows);
    lines(text);
    head.clear();
    head.shrink_to_fit();
  }

  void lines(std::string_view text) {
    while (!text.empty()) {
      const void* feed = std::memchr(text.data(), '\n', text.size());
      if (feed == nullptr) return keep(text);
      const auto size = static_cast<size_t>(static_cast<const char*>(feed) - text.data());
      if (partial.empty() && !skipping) {
        line(text.substr(0, size));
      } else {
        keep(text.substr(0, size));
        end_partial();
      }
      text.remove_prefix(size + 1);
    }
  }

  void keep(std::string_view text) {
    if (skipping) return;
    skipping = partial.size() + text.size() > kMaxListLine;
    if (skipping) {
      partial.clear();
    } else {
      partial.append(text);
    }
  }

  void end_partial() {
    if (skipping) {
      ++report.lines;
      count_fault(report, RowFault::kLine, report.lines);
    } else {
      line(partial);
    }
    skipping = false;
    partial.clear();
  }

  void line(std::string_view text) {
    rows.line = ++report.lines;
    if (text.size() > kMaxListLine) return rows.fault(RowFault::kLine);
    parser->line(text);
  }

  ListOptions options;
  ListReport report;
  list::Rows rows;
  std::unique_ptr<list::LineParser> parser;
  std::string head;     // until the parser is chosen
  std::string partial;  // the line that has not ended yet
  bool skipping = false;
};

ListParser::ListParser(const ListOptions& options, ListSink& sink) : state_(new State(options, sink)) {}
ListParser::~ListParser() { delete state_; }

void ListParser::feed(const char* data, size_t size) {
  State& state = *state_;
  state.report.bytes += size;
  state.report.crc = crc32c(state.report.crc, data, size);
  if (state.parser) return state.lines({data, size});
  const size_t room = kHead - state.head.size();
  const size_t first = size < room ? size : room;
  state.head.append(data, first);
  if (state.head.size() < kHead) return;
  state.begin();
  state.lines({data + first, size - first});
}

const ListReport& ListParser::finish() {
  State& state = *state_;
  if (!state.parser) state.begin();
  if (state.skipping || !state.partial.empty()) state.end_partial();
  state.parser->end();
  return state.report;
}

namespace {

struct Magic {
  std::string_view bytes;
  const char* what;
};

// What is often found where a list was expected; empty: nothing of it.
std::string foreign(std::string_view head) {
  using namespace std::string_view_literals;
  static constexpr Magic kKnown[] = {
      {"\x1f\x8b"sv, "is compressed with gzip"},
      {"\x28\xb5\x2f\xfd"sv, "is compressed with zstd"},
      {"\xfd\x37zXZ"sv, "is compressed with xz"},
      {"BZh"sv, "is compressed with bzip2"},
      {"PK\x03\x04"sv, "is a zip archive"},
      {"\xff\xfe"sv, "is UTF-16"},
      {"\xfe\xff"sv, "is UTF-16"},
      {"\x7f\x45LF"sv, "is a program"},
  };
  for (const Magic& each : kKnown)
    if (head.substr(0, each.bytes.size()) == each.bytes) return each.what;
  if (head.substr(0, kBom.size()) == kBom) head.remove_prefix(kBom.size());
  while (!head.empty() && (list::is_blank(head.front()) || head.front() == '\n')) head.remove_prefix(1);
  for (const std::string_view page : {"<!doctype"sv, "<html"sv, "<?xml"sv})
    if (list::same_text(head.substr(0, page.size()), page)) return "is a web page";
  return "";
}

bool same_file(const struct stat& a, const struct stat& b) noexcept {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Up to `size` bytes from where the file is; -1: errno says why.
ssize_t read_some(int fd, char* buffer, size_t size) noexcept {
  while (true) {
    const ssize_t got = ::read(fd, buffer, size);
    if (got >= 0 || errno != EINTR) return got;
  }
}

}  // namespace

ListRead read_list_file(const std::string& path, const ListOptions& options, ListSink& sink,
                        ListReport& report, std::string& why, const std::atomic<bool>* stop) {
  const auto failed = [&](const char* operation) {
    why = journal::system_error(operation, path).text;
    return ListRead::kUnreadable;
  };
  // Not blocking: a FIFO without a writer would hold the thread for good.
  const journal::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return failed("open");
  struct stat before {};
  if (::fstat(file.get(), &before) != 0) return failed("stat");
  if (!S_ISREG(before.st_mode)) return why = path + " is no regular file", ListRead::kForeign;
  why.clear();
  ListParser parser(options, sink);
  std::vector<char> buffer(kRead);
  for (bool first = true;; first = false) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return ListRead::kStopped;
    const ssize_t got = read_some(file.get(), buffer.data(), buffer.size());
    if (got < 0) return failed("read");
    if (got == 0) break;
    const auto size = static_cast<size_t>(got);
    if (first) why = foreign({buffer.data(), size});
    if (!why.empty()) return why = path + ' ' + why, ListRead::kForeign;
    parser.feed(buffer.data(), size);
  }
  report = parser.finish();
  struct stat after {};
  if (::fstat(file.get(), &after) != 0) return failed("stat");
  if (!same_file(before, after) || report.bytes != static_cast<uint64_t>(after.st_size))
    return why = path + " was written to while it was read", ListRead::kChanged;
  return ListRead::kRead;
}

}  // namespace nnoe::tables
