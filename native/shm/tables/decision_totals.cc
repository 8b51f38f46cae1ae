// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/decision_totals.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shm/crc32c.h"
#include "shm/files.h"

namespace nnoe::tables {
namespace {

using journal::Fd;

constexpr const char* kTemporary = "totals-tmp";

struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t names;
  uint64_t counted;  // entries
};
struct Entry {
  uint64_t counter;  // its number
  uint64_t value;
};
constexpr size_t kNameBytes = 64;  // padded with zeros
constexpr size_t kMostNames = 4096;

template <class T>
void append(std::vector<uint8_t>& to, const T& value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}

}  // namespace

std::vector<uint8_t> encode_totals(const DecisionTotals& totals) {
  std::vector<uint8_t> out;
  std::vector<Entry> entries;
  for (size_t i = 0; i < kCounters; ++i)
    if (totals.counters[i] != 0) entries.push_back({i, totals.counters[i]});
  const auto names = static_cast<uint32_t>(std::min(totals.included.size(), kMostNames));
  append(out, Header{kTotalsMagic, kTotalsVersion, names, entries.size()});
  for (uint32_t i = 0; i < names; ++i) {
    char field[kNameBytes] = {};
    std::snprintf(field, sizeof field, "%s", totals.included[i].c_str());
    append(out, field);
  }
  for (const Entry& entry : entries) append(out, entry);
  append(out, crc32c(0, out.data(), out.size()));
  return out;
}

bool decode_totals(const std::vector<uint8_t>& file, DecisionTotals& totals) {
  Header header{};
  uint32_t crc = 0;
  if (file.size() < sizeof header + sizeof crc) return false;
  std::memcpy(&header, file.data(), sizeof header);
  if (header.magic != kTotalsMagic || header.version != kTotalsVersion || header.names > kMostNames ||
      header.counted > kCounters)
    return false;
  const size_t body = sizeof header + header.names * kNameBytes + header.counted * sizeof(Entry);
  if (file.size() != body + sizeof crc) return false;
  std::memcpy(&crc, file.data() + body, sizeof crc);
  if (crc != crc32c(0, file.data(), body)) return false;
  DecisionTotals read;
  const uint8_t* at = file.data() + sizeof header;
  for (uint32_t i = 0; i < header.names; ++i, at += kNameBytes) {
    const auto* name = reinterpret_cast<const char*>(at);
    read.included.emplace_back(name, strnlen(name, kNameBytes));
  }
  for (uint64_t i = 0; i < header.counted; ++i, at += sizeof(Entry)) {
    Entry entry{};
    std::memcpy(&entry, at, sizeof entry);
    if (entry.counter >= kCounters) return false;
    read.counters[entry.counter] = entry.value;
  }
  totals = std::move(read);
  return true;
}

bool read_totals(int directory, DecisionTotals& totals, std::string& why) {
  const Fd fd = journal::open_below(directory, kTotalsFile, O_RDONLY | O_NONBLOCK);
  if (!fd && errno == ENOENT) return true;
  const int64_t size = fd ? journal::regular_size(fd.get()) : -1;
  constexpr size_t kMost = sizeof(Header) + kMostNames * kNameBytes + kCounters * sizeof(Entry) + 4;
  if (size < 0) return why = journal::system_error("open", kTotalsFile).text, false;
  std::vector<uint8_t> file(std::min(static_cast<size_t>(size), kMost + 1));
  file.resize(journal::read_at(fd.get(), file.data(), file.size(), 0));
  if (!decode_totals(file, totals)) return why = std::string(kTotalsFile) + " is damaged", false;
  return true;
}

bool write_totals(int directory, const DecisionTotals& totals, std::string& why) {
  const std::vector<uint8_t> bytes = encode_totals(totals);
  ::unlinkat(directory, kTemporary, 0);
  const Fd fd = journal::open_below(directory, kTemporary, O_WRONLY | O_CREAT | O_EXCL);
  if (!fd || !journal::write_all(fd.get(), bytes.data(), bytes.size(), 0) || ::fdatasync(fd.get()) != 0 ||
      ::renameat(directory, kTemporary, directory, kTotalsFile) != 0) {
    why = journal::system_error("write", kTotalsFile).text;
    ::unlinkat(directory, kTemporary, 0);
    return false;
  }
  return true;
}

}  // namespace nnoe::tables
