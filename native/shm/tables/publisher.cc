// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/publisher.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shm/crc32c.h"

namespace nnoe::tables {
namespace {

using journal::Error;
using journal::Fd;

constexpr int kNewFile = O_WRONLY | O_CREAT | O_TRUNC;

bool random_id(uint8_t* id) { return getrandom(id, kIdBytes, 0) == static_cast<ssize_t>(kIdBytes); }

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool same_generation(const Manifest& a, const Manifest& b) {
  return std::memcmp(a.id, b.id, kIdBytes) == 0 && a.generation == b.generation &&
         a.created_us == b.created_us;
}

bool names(const ManifestContent& manifest, Section kind, uint64_t generation) {
  const ManifestEntry* entry = manifest.find(kind);
  return entry != nullptr && entry->generation == generation;
}

// The next manifest's entries: what is there, with what `changes` put or take away.
ManifestContent following(const ManifestContent& before, const std::vector<Change>& changes) {
  ManifestContent next;
  next.head = before.head;
  next.head.generation = before.head.generation + 1;
  next.head.created_us = journal::now_us();
  const auto changed = [&](uint32_t kind) {
    return std::any_of(changes.begin(), changes.end(),
                       [&](const Change& change) { return static_cast<uint32_t>(change.kind) == kind; });
  };
  for (const ManifestEntry& entry : before.entries)
    if (!changed(entry.kind)) next.entries.push_back(entry);
  for (const Change& change : changes) {
    if (!change.body) continue;
    const uint32_t crc = crc32c(0, change.body->data(), change.body->size());
    next.entries.push_back(
        {static_cast<uint32_t>(change.kind), crc, change.body->size(), next.head.generation});
  }
  std::sort(next.entries.begin(), next.entries.end(),
            [](const ManifestEntry& a, const ManifestEntry& b) { return a.kind < b.kind; });
  return next;
}

}  // namespace

Publisher::Publisher(Fd directory, Fd lock, std::string path)
    : directory_(std::move(directory)), lock_(std::move(lock)), path_(std::move(path)) {}

Error Publisher::failed(const char* operation, const std::string& name) const {
  return journal::system_error(operation, path_ + "/" + name);
}

std::unique_ptr<Publisher> Publisher::open(const std::string& directory, std::string& found, Error& error) {
  if (!journal::make_directories(directory, error)) return nullptr;
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    error = journal::system_error("open", directory);
    return nullptr;
  }
  Fd lock = journal::open_below(fd.get(), kTablesLockName, O_RDWR | O_CREAT);
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    error = journal::system_error("lock", directory + "/" + kTablesLockName);
    return nullptr;
  }
  std::unique_ptr<Publisher> publisher(new Publisher(std::move(fd), std::move(lock), directory));
  publisher->begin(found);
  return publisher;
}

void Publisher::begin(std::string& found) {
  if (read_manifest(directory_.get(), manifest_, found) == Read::kDone) {
    const std::string missing = missing_section();
    published_ = missing.empty();
    if (published_) return;
    found = missing + ": missing, though the manifest names it";  // nobody can use such a generation
  }
  manifest_ = {};
  // Without a random id of its own a new directory could pass for the old one; generations tell them apart as
  // well.
  if (!random_id(manifest_.head.id)) std::memcpy(manifest_.head.id, "no random bytes!", kIdBytes);
  // Above every generation that a file of before may have.
  std::vector<std::string> entries;
  Error ignored;
  journal::list_names(directory_.get(), entries, ignored);
  Section kind{};
  uint64_t generation = 0;
  for (const std::string& name : entries)
    if (parse_section_file(name, kind, generation) && generation < (uint64_t{1} << 53))
      manifest_.head.generation = std::max(manifest_.head.generation, generation);
}

Read Publisher::read(Section kind, Memory& memory, std::string& why) const {
  const ManifestEntry* entry = manifest_.find(kind);
  if (entry == nullptr) return Read::kMissing;
  return read_section(directory_.get(), manifest_.head, *entry, memory, why);
}

bool Publisher::intact(std::string& why) const {
  struct stat held {};
  struct stat found {};
  if (::fstat(directory_.get(), &held) != 0) return true;  // cannot be told
  if (::stat(path_.c_str(), &found) != 0 || !same_file(held, found)) {
    why = "the directory was removed or replaced";
    return false;
  }
  if (::fstat(lock_.get(), &held) != 0) return true;
  if (::fstatat(directory_.get(), kTablesLockName, &found, 0) != 0 || !same_file(held, found)) {
    why = std::string(kTablesLockName) + " was removed or replaced";
    return false;
  }
  if (!published_) return true;
  ManifestContent manifest;
  std::string what;
  if (read_manifest(directory_.get(), manifest, what) != Read::kDone ||
      !same_generation(manifest.head, manifest_.head)) {
    why = std::string(kManifestName) + " was removed or replaced";
    return false;
  }
  const std::string missing = missing_section();
  if (!missing.empty()) why = missing + " was removed";
  return missing.empty();
}

std::string Publisher::missing_section() const {
  struct stat found {};
  for (const ManifestEntry& entry : manifest_.entries) {
    std::string name = section_file(static_cast<Section>(entry.kind), entry.generation);
    if (::fstatat(directory_.get(), name.c_str(), &found, 0) != 0) return name;
  }
  return {};
}

bool Publisher::write_section(const ManifestContent& next, const ManifestEntry& entry, const uint8_t* body,
                              Error& error) {
  const std::string name = section_file(static_cast<Section>(entry.kind), entry.generation);
  // What a publisher that was killed left under this name is no generation's; a reader never saw it.
  ::unlinkat(directory_.get(), name.c_str(), 0);
  const Fd fd = journal::open_below(directory_.get(), name, kNewFile | O_EXCL);
  const SectionHeader header = section_header(next.head, entry);
  if (fd && journal::write_all(fd.get(), &header, sizeof(header), 0) &&
      journal::write_all(fd.get(), body, entry.bytes, sizeof(header)) && ::fdatasync(fd.get()) == 0)
    return true;
  error = failed("write", name);
  ::unlinkat(directory_.get(), name.c_str(), 0);
  return false;
}

bool Publisher::write_manifest(const ManifestContent& next, Error& error) {
  const std::vector<uint8_t> bytes = encode_manifest(next);
  const Fd fd = journal::open_below(directory_.get(), kManifestTemporary, kNewFile);
  if (fd && journal::write_all(fd.get(), bytes.data(), bytes.size(), 0) && ::fdatasync(fd.get()) == 0 &&
      ::renameat(directory_.get(), kManifestTemporary, directory_.get(), kManifestName) == 0) {
    // Not being able to make the rename durable is not a failure of the generation: readers have it already.
    ::fsync(directory_.get());
    return true;
  }
  error = failed("write", kManifestName);
  return false;
}

void Publisher::remove_unused(const ManifestContent& before) {
  std::vector<std::string> entries;
  Error ignored;
  journal::list_names(directory_.get(), entries, ignored);
  Section kind{};
  uint64_t generation = 0;
  for (const std::string& name : entries)
    if (parse_section_file(name, kind, generation) && !names(manifest_, kind, generation) &&
        !names(before, kind, generation))
      ::unlinkat(directory_.get(), name.c_str(), 0);
}

bool Publisher::publish(const std::vector<Change>& changes, Error& error) {
  const ManifestContent next = following(manifest_, changes);
  std::vector<Section> written;
  bool done = true;
  for (const Change& change : changes) {
    if (!change.body) continue;
    done = write_section(next, *next.find(change.kind), change.body->data(), error);
    if (!done) break;
    written.push_back(change.kind);
  }
  if (done && write_manifest(next, error)) {
    const ManifestContent before = std::exchange(manifest_, next);
    published_ = true;
    remove_unused(before);
    return true;
  }
  for (const Section kind : written)
    ::unlinkat(directory_.get(), section_file(kind, next.head.generation).c_str(), 0);
  return false;
}

}  // namespace nnoe::tables
