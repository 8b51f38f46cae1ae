// SPDX-License-Identifier: MPL-2.0
// Single names of all lists in one small file beside the sets, so that a restart finds them: what was set
// since the set file of a list was written. TABLES.md has the format.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "shm/crc32c.h"
#include "shm/tables/name_store.h"

namespace nnoe::tables {
namespace {

constexpr uint64_t kChangesMagic = journal::layout::magic("NNOEnchg");
constexpr const char* kChangesName = "changes";
constexpr const char* kChangesTemporary = "changes.tmp";
constexpr int64_t kMostBytes = int64_t{1} << 28;

struct ChangesHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t crc;  // CRC32C of what follows
};
static_assert(sizeof(ChangesHeader) == 16);

// Before the names of one list. `file` is the serial of the set that they are over, 0 for none.
struct ChangesList {
  uint64_t file;
  uint32_t list;
  uint32_t count;
};
static_assert(sizeof(ChangesList) == 16);

void append(std::vector<uint8_t>& to, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  to.insert(to.end(), bytes, bytes + size);
}

// What is left of the file; false at its end.
struct Reading {
  const uint8_t* at;
  size_t left;

  bool take(void* to, size_t size) {
    if (left < size) return false;
    std::memcpy(to, at, size);
    at += size;
    left -= size;
    return true;
  }
};

}  // namespace

std::vector<uint8_t> NameStore::encode_changes() const {
  std::vector<uint8_t> bytes(sizeof(ChangesHeader));
  const std::lock_guard lock(mutex_);
  bytes.reserve(saved_.size() + saved_.size() / 8 + 4096);
  for (const auto& [number, list] : lists_) {
    // Nearly always there is one layer alone.
    Changes together;
    const Changes* all = list.newer != nullptr ? list.newer.get() : list.older.get();
    if ((list.newer != nullptr && list.older != nullptr) || !list.waiting.empty()) {
      if (list.older != nullptr) together = *list.older;
      if (list.newer != nullptr)
        for (const auto& [key, listed] : *list.newer) together[key] = listed;
      for (const auto& [key, listed] : list.waiting) together[key] = listed;
      all = &together;
    }
    if (all == nullptr || all->empty()) continue;
    const ChangesList head{serial_of(list), number, static_cast<uint32_t>(all->size())};
    append(bytes, &head, sizeof head);
    for (const auto& [key, listed] : *all) {
      const uint8_t sizes[2] = {static_cast<uint8_t>(listed), static_cast<uint8_t>(key.size())};
      append(bytes, sizes, sizeof sizes);
      append(bytes, key.data(), key.size());
    }
  }
  const ChangesHeader header{
      kChangesMagic, kVersion,
      crc32c(0, bytes.data() + sizeof(ChangesHeader), bytes.size() - sizeof(ChangesHeader))};
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

bool NameStore::save_changes(Error& error) {
  const std::lock_guard saving(saving_);
  std::vector<uint8_t> bytes = encode_changes();
  if (bytes == saved_) return true;
  const auto failed = [&] {
    return error = journal::system_error("write", directory_ + "/" + kChangesName), false;
  };
  const Fd dir(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return failed();
  const Fd fd = journal::open_below(dir.get(), kChangesTemporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd || !journal::write_all(fd.get(), bytes.data(), bytes.size(), 0) || ::fdatasync(fd.get()) != 0 ||
      ::renameat(dir.get(), kChangesTemporary, dir.get(), kChangesName) != 0)
    return failed();
  saved_ = std::move(bytes);
  return true;
}

// Those over a set that is not the list's any more are in the one that took its place, or were replaced with
// it.
bool NameStore::load_changes(std::string& why) {
  const Fd dir(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd fd = dir ? journal::open_below(dir.get(), kChangesName, O_RDONLY | O_NONBLOCK) : Fd();
  if (!fd) return true;
  const auto fails = [&] { return why = directory_ + "/" + kChangesName + ": damaged", false; };
  const int64_t size = journal::regular_size(fd.get());
  if (size < static_cast<int64_t>(sizeof(ChangesHeader)) || size > kMostBytes) return fails();
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  ChangesHeader header{};
  if (journal::read_at(fd.get(), bytes.data(), bytes.size(), 0) != bytes.size()) return fails();
  Reading reading{bytes.data(), bytes.size()};
  reading.take(&header, sizeof header);
  if (header.magic != kChangesMagic || header.version != kVersion ||
      header.crc != crc32c(0, reading.at, reading.left))
    return fails();
  for (ChangesList head{}; reading.take(&head, sizeof head);) {
    const auto known = lists_.find(head.list);
    const uint64_t file = known == lists_.end() ? 0 : serial_of(known->second);
    for (uint32_t i = 0; i < head.count; ++i) {
      uint8_t sizes[2];
      NameKey key;
      if (!reading.take(sizes, sizeof sizes) || !reading.take(key.bytes, sizes[1])) return fails();
      key.size = sizes[1];
      if (head.list >= kMaxLists || sizes[0] > static_cast<uint8_t>(Listed::kSubtree) || !is_key(key))
        return fails();
      if (file != head.file) continue;
      List& list = lists_[head.list];
      if (list.newer == nullptr) list.newer = std::make_shared<Changes>();
      (*list.newer)[key.text()] = static_cast<Listed>(sizes[0]);
      list.newer_net += sizes[0] == static_cast<uint8_t>(Listed::kNo) ? -1 : 1;
    }
  }
  return true;
}

}  // namespace nnoe::tables
