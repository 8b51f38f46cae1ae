// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/name_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <stdexcept>

#include "shm/tables/name_layers.h"

namespace nnoe::tables {
namespace {

constexpr size_t kFileName = 64;

// `list-<number>-<serial>.names`; anything else is not ours.
bool parse_file_name(const std::string& name, uint32_t& list, uint64_t& serial) {
  int end = 0;
  if (std::sscanf(name.c_str(), "list-%" SCNu32 "-%" SCNx64 ".names%n", &list, &serial, &end) != 2)
    return false;
  return static_cast<size_t>(end) == name.size() && list < kMaxLists;
}

// What was being written when a host died.
bool is_unfinished(const std::string& name) {
  return name.rfind("list-", 0) == 0 &&
         (name.find(".names.tmp") != std::string::npos || name.find(".names.run") != std::string::npos);
}

NameKey key_from(const std::string& text) {
  NameKey key;
  std::memcpy(key.bytes, text.data(), text.size());
  key.size = text.size();
  return key;
}

}  // namespace

std::string NameStore::path_of(uint32_t list, uint64_t serial) const {
  char name[kFileName];
  std::snprintf(name, sizeof name, "/list-%03" PRIu32 "-%016" PRIx64 ".names", list, serial);
  return directory_ + name;
}

uint64_t NameStore::serial_of(const List& list) {
  uint32_t number = 0;
  uint64_t serial = 0;
  if (list.file != nullptr)
    parse_file_name(list.file->path.substr(list.file->path.rfind('/') + 1), number, serial);
  return serial;
}

bool NameStore::open(std::vector<std::string>& refused, Error& error) {
  if (!journal::make_directories(directory_, error)) return false;
  const Fd dir(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::string> names;
  if (!dir) {
    error = journal::system_error("open", directory_);
    return false;
  }
  if (!journal::list_names(dir.get(), names, error)) return false;
  // The latest of a list first: what it replaced is still there when a host died in between.
  std::sort(names.rbegin(), names.rend());
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) {
    uint32_t list = 0;
    uint64_t serial = 0;
    const std::string path = directory_ + "/" + name;
    if (is_unfinished(name)) ::unlink(path.c_str());
    if (!parse_file_name(name, list, serial)) continue;
    serial_ = std::max(serial_, serial);
    Error why;
    const bool replaced = lists_.count(list) != 0;
    auto file = replaced ? nullptr : open_name_set(path, why);
    if (file != nullptr)
      lists_[list].file = std::move(file);
    else if (!replaced)
      refused.push_back(why.text);
    // A damaged one will not get better; one that could not be read may.
    if (replaced || (!why.text.empty() && why.code == 0)) ::unlink(path.c_str());
  }
  std::string why;
  if (!load_changes(why)) refused.push_back(why);
  return true;
}

std::unique_ptr<NameSetWriter> NameStore::writer(uint32_t list) {
  const std::lock_guard lock(mutex_);
  return std::make_unique<NameSetWriter>(path_of(list, ++serial_));
}

bool NameStore::replace(uint32_t list, std::unique_ptr<NameSetWriter> names, Error& error) {
  if (list >= kMaxLists) {
    error = {0, "there can be no list number " + std::to_string(list)};
    return false;
  }
  const auto file = names->finish(error);
  if (file == nullptr) return false;
  swap_file(list, file);
  return true;
}

void NameStore::drop(uint32_t list) {
  if (list < kMaxLists) swap_file(list, nullptr);
}

// Finds out what `file` changes without the lock; single names wait for that in `waiting`.
void NameStore::swap_file(uint32_t list, const std::shared_ptr<const NameSetFile>& file) {
  Layers before;
  bool compare = false;
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return !lists_[list].replacing; });
    List& entry = lists_[list];
    entry.replacing = true;
    before = layers_of(entry);
    compare = is_building_ || (base_ != nullptr && !outgrown_);
  }
  Changes changes;
  bool small = false;
  try {
    small = compare && differences(before, file, changes);
  } catch (const std::runtime_error&) {
    // The old file cannot be read any more: what changes is not known.
    small = false;
  }
  const std::lock_guard lock(mutex_);
  List& entry = lists_[list];
  if (small) {
    for (const auto& [key, listed] : changes) record_locked(list, key, listed);
  } else {
    outgrown_ = true;
    outgrown_building_ = true;
  }
  if (entry.file != nullptr) ::unlink(entry.file->path.c_str());
  entry.file = file;
  entry.older = nullptr;
  entry.newer = nullptr;
  entry.older_net = entry.newer_net = 0;
  entry.replacing = false;
  for (const auto& [key, listed] : std::exchange(entry.waiting, {})) set_locked(list, entry, key, listed);
  if (entry.file == nullptr && entry.newer == nullptr && entry.older == nullptr) lists_.erase(list);
  idle_.notify_all();
}

// True: `found` is all that differs. False: it is too much for a delta.
bool NameStore::differences(const Layers& before, const std::shared_ptr<const NameSetFile>& after,
                            Changes& found) const {
  NameMerge merge;
  merge.add(effective(before), 0);
  if (after != nullptr) merge.add(std::make_unique<NameSetReader>(after), 1);
  Listed were = Listed::kNo;
  Listed are = Listed::kNo;
  bool small = true;
  merge.run([&](const NameKey&) { were = are = Listed::kNo; },
            [&](uint32_t tag, Listed listed) { (tag == 0 ? were : are) = listed; },
            [&](const NameKey& key) {
              if (were == are || !small) return;
              small = found.size() < kMaxDelta;
              if (small) found.emplace_hint(found.end(), key.text(), are);
            });
  return small;
}

bool NameStore::set(uint32_t list, const uint8_t* wire, size_t size, Listed listed) {
  NameKey key;
  if (list >= kMaxLists || !make_key(wire, size, key)) return false;
  const std::lock_guard lock(mutex_);
  List& entry = lists_[list];
  if (entry.replacing)
    entry.waiting.emplace_back(key.text(), listed);
  else
    set_locked(list, entry, key.text(), listed);
  return true;
}

// How the name stands on the list now; `otherwise` when that is not known without reading the set.
Listed NameStore::listed_locked(uint32_t list, const List& entry, const std::string& key,
                                Listed otherwise) const {
  for (const Changes* layer : {static_cast<const Changes*>(entry.newer.get()), entry.older.get()}) {
    if (layer == nullptr) continue;
    if (const auto at = layer->find(key); at != layer->end()) return at->second;
  }
  if (base_ == nullptr || outgrown_) return otherwise;
  if (const auto at = since_.find(key); at != since_.end())
    for (const auto& [other, how] : at->second)
      if (other == list) return how;
  const NameKey parsed = key_from(key);
  uint8_t wire[kMaxName];
  reverse_labels(parsed.bytes, parsed.size, wire);
  QueryName name;
  if (!name.parse(wire, parsed.size)) return otherwise;
  const Names::Entry found = base_->names.find(name);
  const auto has = [list](const uint64_t* lists) {
    return lists != nullptr && (lists[list / 64] >> list % 64 & 1) != 0;
  };
  return has(found.below) ? Listed::kSubtree : has(found.here) ? Listed::kExact : Listed::kNo;
}

void NameStore::set_locked(uint32_t list, List& entry, const std::string& key, Listed listed) {
  const Listed usual = listed == Listed::kNo ? Listed::kExact : Listed::kNo;
  const bool was = listed_locked(list, entry, key, usual) != Listed::kNo;
  entry.newer_net += (listed != Listed::kNo ? 1 : 0) - (was ? 1 : 0);
  if (entry.newer == nullptr) entry.newer = std::make_shared<Changes>();
  (*entry.newer)[key] = listed;
  record_locked(list, key, listed);
}

void NameStore::record_locked(uint32_t list, const std::string& key, Listed listed) {
  const auto put = [&](Overrides& overrides, bool& outgrown) {
    // What is too much for a delta comes with the next base.
    if (overrides.size() >= 2 * kMaxDelta && overrides.count(key) == 0) {
      outgrown = true;
      return;
    }
    auto& lists = overrides[key];
    for (auto& [other, how] : lists) {
      if (other != list) continue;
      how = listed;
      return;
    }
    lists.emplace_back(list, listed);
  };
  if (base_ != nullptr) put(since_, outgrown_);
  if (is_building_) put(building_, outgrown_building_);
}

std::vector<NameStore::ListInfo> NameStore::lists() const {
  const std::lock_guard lock(mutex_);
  std::vector<ListInfo> infos;
  for (const auto& [list, entry] : lists_) {
    const uint64_t older = entry.older == nullptr ? 0 : entry.older->size();
    const uint64_t newer = entry.newer == nullptr ? 0 : entry.newer->size();
    const uint64_t in_file = entry.file == nullptr ? 0 : entry.file->count;
    const auto now = static_cast<int64_t>(in_file) + entry.older_net + entry.newer_net;
    infos.push_back({list, in_file, older + newer, now < 0 ? 0 : static_cast<uint64_t>(now)});
  }
  return infos;
}

size_t NameStore::delta_size() const {
  const std::lock_guard lock(mutex_);
  return since_.size();
}

bool NameStore::wants_base() const {
  const std::lock_guard lock(mutex_);
  return base_ == nullptr || outgrown_ || since_.size() > kMaxDelta;
}

// In three pieces of memory: one that is made of many takes longer to copy than a delta to build.
NameStore::Flat NameStore::flat(const Overrides& overrides) {
  Flat made;
  made.names.reserve(overrides.size());
  made.lists.reserve(overrides.size());
  made.keys.reserve(overrides.size() * 24);
  for (const auto& [key, lists] : overrides) {
    made.names.emplace_back(static_cast<uint8_t>(key.size()), static_cast<uint32_t>(lists.size()));
    made.keys.insert(made.keys.end(), key.begin(), key.end());
    made.lists.insert(made.lists.end(), lists.begin(), lists.end());
  }
  return made;
}

std::vector<uint8_t> NameStore::build_delta() {
  std::shared_ptr<const Base> base;
  Flat changed;
  {
    const std::lock_guard lock(mutex_);
    base = base_;
    changed = flat(since_);
  }
  if (base == nullptr) return {};
  NamesWriter writer(base->names.secret());
  size_t said = 0;
  const uint8_t* text = changed.keys.data();
  const auto* lists = changed.lists.data();
  for (const auto& [key_bytes, count] : changed.names) {
    NameKey key;
    std::memcpy(key.bytes, text, key_bytes);
    key.size = key_bytes;
    text += key_bytes;
    const auto* const its = lists;
    lists += count;
    uint8_t wire[kMaxName];
    reverse_labels(key.bytes, key.size, wire);
    QueryName name;
    if (!name.parse(wire, key.size)) continue;
    const Names::Entry entry = base->names.find(name);
    Membership before;
    if (entry.here != nullptr) std::copy(entry.here, entry.here + kMaxLists / 64, before.here.bits);
    if (entry.below != nullptr) std::copy(entry.below, entry.below + kMaxLists / 64, before.below.bits);
    Membership after = before;
    for (uint32_t i = 0; i < count; ++i) after.set(its[i].first, its[i].second);
    if (after.here == before.here && after.below == before.below) continue;
    writer.push(key, after);
    ++said;
  }
  return said == 0 ? std::vector<uint8_t>{} : writer.finish();
}

}  // namespace nnoe::tables
