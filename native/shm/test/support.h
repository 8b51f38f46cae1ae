// SPDX-License-Identifier: MPL-2.0
// What the journal's tests share.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "shm/consumer.h"
#include "shm/gen/event_fields.h"
#include "shm/layout.h"
#include "shm/producer.h"
#include "shm/recovery.h"

namespace nnoe::test {

using namespace nnoe::journal;

class TempDir {
 public:
  explicit TempDir(std::string base = "") {
    const char* given = std::getenv("TMPDIR");
    if (base.empty()) base = given != nullptr ? given : "/tmp";
    path_ = base + "/nnoe-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDir() {
    ::nftw(
        path_.c_str(), [](const char* p, const struct stat*, int, FTW*) { return ::remove(p); }, 16,
        FTW_DEPTH | FTW_PHYS);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Told {
  std::mutex mutex;
  std::vector<std::pair<Event, std::string>> reports;
  size_t count(Event event) {
    const std::lock_guard<std::mutex> lock(mutex);
    size_t n = 0;
    for (const auto& report : reports) n += report.first == event ? 1 : 0;
    return n;
  }
};

inline Options options(const std::string& directory, Told* told = nullptr,
                       uint64_t segment_bytes = 64 * 1024) {
  Options made;
  made.directory = directory;
  made.segment_bytes = segment_bytes;
  made.cap_bytes = 64 * segment_bytes;
  if (told != nullptr) {
    made.report = [told](Event event, const std::string& detail) {
      const std::lock_guard<std::mutex> lock(told->mutex);
      told->reports.emplace_back(event, detail);
    };
  }
  return made;
}

inline uint64_t append(Producer& producer, const std::string& text, uint64_t key = 0,
                       Kind kind = Kind::kLease) {
  return producer.append(kind, key, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

struct Item {
  uint64_t seq;
  Kind kind;
  std::string payload;
};
inline std::vector<Item> drain(Reader& reader) {
  std::vector<Item> items;
  Record record;
  while (reader.peek(record)) {
    items.push_back({record.seq, static_cast<Kind>(record.kind),
                     std::string(reinterpret_cast<const char*>(record.payload), record.size)});
    reader.consume();
  }
  return items;
}

inline std::unique_ptr<Consumer> consumer(const std::string& directory) {
  Refusal refusal = Refusal::kNone;
  Error error;
  return Consumer::open(directory, refusal, error);
}

inline std::vector<Item> read_all(const std::string& directory, uint64_t after = 0) {
  const auto host = consumer(directory);
  Error error;
  const auto reader = host ? host->reader(after, error) : nullptr;
  return reader ? drain(*reader) : std::vector<Item>();
}

// Fields of a Gap message, by number.
struct GapFields {
  uint64_t field[5] = {};
  event::GapReason reason() const { return static_cast<event::GapReason>(field[event::gap::kReason]); }
};
inline GapFields gap_of(const Item& item) {
  GapFields gap;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0; at < item.payload.size(); shift += 7) {
      const auto byte = static_cast<uint8_t>(item.payload[at++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < item.payload.size()) {
    const uint64_t tag = varint();
    if (tag >> 3 < 5) gap.field[tag >> 3] = varint();
  }
  return gap;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
inline std::string segment_path(const std::string& directory, uint64_t number) {
  return directory + "/" + segment_name(number);
}
inline std::vector<std::string> names(const std::string& directory, const std::string& prefix) {
  std::vector<std::string> found;
  DIR* dir = ::opendir(directory.c_str());
  while (const dirent* entry = dir != nullptr ? ::readdir(dir) : nullptr) {
    if (std::string(entry->d_name).compare(0, prefix.size(), prefix) == 0) found.emplace_back(entry->d_name);
  }
  if (dir != nullptr) ::closedir(dir);
  return found;
}

// Waits until `holds` does, 5 s at most.
template <typename Condition>
bool eventually(Condition holds) {
  for (int i = 0; i < 500; ++i) {
    if (holds()) return true;
    ::usleep(10000);
  }
  return false;
}

}  // namespace nnoe::test
