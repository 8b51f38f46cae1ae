// SPDX-License-Identifier: MPL-2.0
// The writer of a tables directory. There is one for a directory, held by a lock; it is not for several
// threads at a time. Every generation is complete in itself: sections that did not change keep their files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shm/tables/files.h"

namespace nnoe::tables {

// What becomes of one section in the next generation.
struct Change {
  Section kind;
  std::optional<std::vector<uint8_t>> body;  // nothing: the generation has no such section
};

class Publisher {
 public:
  // Makes the directory when it is missing, takes its lock and reads its manifest. A manifest that cannot be
  // read is said in `found` and the directory begins anew, under another id; the files of before stay until
  // something is published. Null and `error` when there is no directory to write; error.code is EWOULDBLOCK
  // when another publisher has it.
  static std::unique_ptr<Publisher> open(const std::string& directory, std::string& found,
                                         journal::Error& error);

  // What the last generation is made of; generation 0: nothing was published yet.
  const ManifestContent& current() const noexcept { return manifest_; }
  // One of its sections, as a reader gets it.
  Read read(Section kind, Memory& memory, std::string& why) const;

  // Makes the next generation: writes the files of `changes` beside those that are there, has them on disk,
  // then renames the manifest into place, then removes files that neither this generation nor the one before
  // has. Nothing has changed when it returns false.
  bool publish(const std::vector<Change>& changes, journal::Error& error);

  // Whether what was published is still what a reader finds at the path; `why` says what is not: somebody
  // removed the directory or files of it, or put others in their place.
  bool intact(std::string& why) const;

  int directory() const noexcept { return directory_.get(); }

 private:
  Publisher(journal::Fd directory, journal::Fd lock, std::string path);
  void begin(std::string& found);
  std::string missing_section() const;  // of those that the manifest names; empty: none
  bool write_section(const ManifestContent& next, const ManifestEntry& entry, const uint8_t* body,
                     journal::Error& error);
  bool write_manifest(const ManifestContent& next, journal::Error& error);
  void remove_unused(const ManifestContent& before);
  journal::Error failed(const char* operation, const std::string& name) const;

  journal::Fd directory_;
  journal::Fd lock_;
  std::string path_;
  ManifestContent manifest_;
  bool published_ = false;  // the manifest is in the directory
};

constexpr const char* kTablesLockName = "host.lock";

}  // namespace nnoe::tables
