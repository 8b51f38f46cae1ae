// SPDX-License-Identifier: MPL-2.0
// NameStore::build_base: takes what is there at one moment, writes single names into the sets of their lists,
// merges the sets.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "shm/tables/name_layers.h"

namespace nnoe::tables {

NameStore::Effective::Effective(const Layers& layers) : held_(layers) {
  if (layers.file != nullptr) reader_ = std::make_unique<NameSetReader>(layers.file);
  in_file_ = reader_ != nullptr && reader_->next();
  for (const auto& changes : {layers.newer, layers.older}) {
    if (changes != nullptr) layers_.push_back({changes, changes->begin()});
  }
}

// The first key that a layer of changes has next; false: all are at their ends.
bool NameStore::Effective::from_changes(const std::string*& least) const {
  least = nullptr;
  for (const Layer& layer : layers_) {
    if (layer.at != layer.changes->end() && (least == nullptr || layer.at->first < *least))
      least = &layer.at->first;
  }
  return least != nullptr;
}

bool NameStore::Effective::next() {
  for (;;) {
    const std::string* least = nullptr;
    const bool changed = from_changes(least);
    if (!changed && !in_file_) return false;
    int order = changed ? 1 : -1;  // of the file's key against the changed one
    NameKey key;
    if (changed) {
      std::memcpy(key.bytes, least->data(), least->size());
      key.size = least->size();
      if (in_file_) order = reader_->key().compare(key);
    }
    copy_key(key_, order < 0 ? reader_->key() : key);
    listed_ = order < 0 ? reader_->listed() : Listed::kNo;
    if (order <= 0) in_file_ = reader_->next();
    if (order < 0) return true;
    bool decided = false;
    const std::string name = *least;
    for (Layer& layer : layers_) {
      if (layer.at == layer.changes->end() || layer.at->first != name) continue;
      if (!decided) listed_ = layer.at->second;
      decided = true;
      ++layer.at;
    }
    if (listed_ != Listed::kNo) return true;
  }
}

std::unique_ptr<NameCursor> NameStore::effective(const Layers& layers) {
  if (layers.older == nullptr && layers.newer == nullptr && layers.file != nullptr)
    return std::make_unique<NameSetReader>(layers.file);
  return std::make_unique<Effective>(layers);
}

NameStore::Layers NameStore::layers_of(const List& list) const { return {list.file, list.older, list.newer}; }

// Freezes what single names are pending, so that nothing which comes later touches them.
std::vector<std::pair<uint32_t, NameStore::Layers>> NameStore::begin_base() {
  const std::lock_guard lock(mutex_);
  if (is_building_) throw std::runtime_error("a base is being built already");
  std::vector<std::pair<uint32_t, Layers>> taken;
  for (auto& [number, list] : lists_) {
    if (list.newer != nullptr && !list.replacing) {
      if (list.older != nullptr) {
        // Left over from a build that failed.
        for (const auto& [key, listed] : *list.older) list.newer->emplace(key, listed);
      }
      list.older = std::exchange(list.newer, nullptr);
      list.older_net += std::exchange(list.newer_net, 0);
    }
    Layers layers = layers_of(list);
    // Stays with a list that is being replaced, and may yet grow.
    if (list.newer != nullptr) layers.newer = std::make_shared<const Changes>(*list.newer);
    taken.emplace_back(number, std::move(layers));
  }
  building_.clear();
  outgrown_building_ = false;
  is_building_ = true;
  return taken;
}

// A new set file of a list with its single names.
std::shared_ptr<const NameSetFile> NameStore::fold(uint32_t list, const Layers& layers) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = path_of(list, ++serial_);
  }
  Error error;
  NameSetOutput out;
  bool good = out.open(path, error);
  const auto names = effective(layers);
  while (good && names->next()) good = out.append(names->key(), names->listed(), error);
  auto file = good ? out.finish(error) : nullptr;
  if (file == nullptr) throw std::runtime_error(error.text);
  return file;
}

// Unless the list was replaced meanwhile, or is being so.
void NameStore::keep_fold(uint32_t list, const Layers& layers,
                          const std::shared_ptr<const NameSetFile>& file) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = lists_.find(list);
    if (at == lists_.end() || at->second.replacing || at->second.file != layers.file ||
        at->second.older != layers.older) {
      ::unlink(file->path.c_str());
      return;
    }
    if (layers.file != nullptr) ::unlink(layers.file->path.c_str());
    at->second.file = file;
    at->second.older = nullptr;
    at->second.older_net = 0;
  }
  // What was set since is over the new file now. If it cannot be written, the next publication says so.
  Error ignored;
  save_changes(ignored);
}

std::vector<uint8_t> NameStore::build_base() {
  auto taken = begin_base();
  try {
    NamesWriter writer;
    NameMerge merge;
    uint64_t count = 0;
    uint64_t bytes = 0;
    for (auto& [list, layers] : taken) {
      if (layers.older != nullptr && layers.newer == nullptr) {
        const auto file = fold(list, layers);
        keep_fold(list, layers, file);
        layers = {file, nullptr, nullptr};
      }
      if (layers.file != nullptr) {
        count += layers.file->count;
        bytes += layers.file->wire_bytes;
      }
      merge.add(effective(layers), list);
    }
    writer.reserve(count, bytes);
    Membership membership;
    merge.run([&](const NameKey&) { membership = {}; },
              [&](uint32_t list, Listed listed) { membership.set(list, listed); },
              [&](const NameKey& key) { writer.push(key, membership); });
    return writer.finish();
  } catch (...) {
    abandon_base();
    throw;
  }
}

void NameStore::abandon_base() {
  const std::lock_guard lock(mutex_);
  is_building_ = false;
  building_.clear();
}

bool NameStore::adopt_base(Body body, std::shared_ptr<const void> owner, std::string& why) {
  auto base = std::make_shared<Base>();
  if (!Names::open(body, Limits{kMaxRoleSets, kMaxLists, kMaxActions}, base->names, why)) return false;
  base->owner = std::move(owner);
  Overrides gone;  // freed without the lock
  const std::lock_guard lock(mutex_);
  if (!is_building_) {
    why = "no base was built";
    return false;
  }
  base_ = std::move(base);
  gone = std::exchange(since_, std::exchange(building_, {}));
  outgrown_ = outgrown_building_;
  is_building_ = false;
  return true;
}

std::shared_ptr<const void> NameStore::map_section(const std::string& path, Body& body, Error& error) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const int64_t size = fd ? journal::regular_size(fd.get()) : -1;
  if (size <= static_cast<int64_t>(sizeof(SectionHeader))) {
    error = size < 0 ? journal::system_error("open", path) : Error{0, path + ": cut short"};
    return nullptr;
  }
  // One page more than the file, so that the slack behind a body can be read.
  const size_t bytes = static_cast<size_t>(size);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t whole = (bytes + page - 1) / page * page + page;
  void* place = ::mmap(nullptr, whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) {
    error = journal::system_error("map", path);
    return nullptr;
  }
  const std::shared_ptr<const void> owner(place, [whole](void* at) { ::munmap(at, whole); });
  if (::mmap(place, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd.get(), 0) == MAP_FAILED) {
    error = journal::system_error("map", path);
    return nullptr;
  }
  body = {static_cast<const uint8_t*>(place) + sizeof(SectionHeader), bytes - sizeof(SectionHeader)};
  return owner;
}

}  // namespace nnoe::tables
