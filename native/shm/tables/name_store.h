// SPDX-License-Identifier: MPL-2.0
// What the host keeps of the lists between two publications: one set file for each list, the single names
// that changed since, and what changed since the base that is published.
//
// Memory: while a base is built, its section (names.h) + 2 bytes a name + 0.5 MiB a list; at rest, about 150
// bytes for every name changed since the base. The base itself is read where its owner keeps it (map its
// file). Disk: about 13 bytes a name and list, twice that while one is replaced.
//
// Any thread may call anything; see each for what it waits for. One process for one directory: its owner sees
// to that.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "shm/tables/name_set_writer.h"
#include "shm/tables/names_builder.h"

namespace nnoe::tables {

class NameStore {
 public:
  // A delta for more names than this is not worth its time: a new base is wanted.
  static constexpr size_t kMaxDelta = 100000;

  explicit NameStore(std::string directory) : directory_(std::move(directory)) {}
  NameStore(const NameStore&) = delete;
  NameStore& operator=(const NameStore&) = delete;

  // Makes the directory and checks the sets in it, once, before anything else. A set that is damaged is left
  // out and named in `refused`. False: the directory cannot be used.
  bool open(std::vector<std::string>& refused, Error& error);

  // Sorts names for replace(): into a file of the store's own. Not for two threads.
  std::unique_ptr<NameSetWriter> writer(uint32_t list);
  // The list is what the writer got, from now on. Small differences come with the next delta, large ones with
  // the next base. Waits for disk and, in its place, for another replace of the list; single names set
  // meanwhile count after it. False: the disk refused, the list is what it was.
  bool replace(uint32_t list, std::unique_ptr<NameSetWriter> names, Error& error);
  // On no name any more; likewise.
  void drop(uint32_t list);
  // One name on one list, or off it. Microseconds. False: not a name in wire form, or no list that there can
  // be.
  bool set(uint32_t list, const uint8_t* wire, size_t size, Listed listed);

  struct ListInfo {
    uint32_t list;
    uint64_t names;    // in its set file
    uint64_t changed;  // single names since that was written, set or taken off
    uint64_t now;      // names on it
  };
  std::vector<ListInfo> lists() const;
  // Single names are in memory alone until a base is built: writes them to a file of the store's, where the
  // next open() finds them. Before what they come to is published. Milliseconds; nothing when they are as
  // they were.
  bool save_changes(Error& error);

  // A section of all that is there now. Seconds for ten millions; nothing waits for it. One at a time, and
  // each is followed by adopt_base or abandon_base. Throws std::runtime_error naming the file or limit in the
  // way.
  std::vector<uint8_t> build_base();
  // What build_base gave is published: deltas are relative to it, and shrink to what changed since it was
  // begun. `body` is that section's, readable as long as `owner` lives. False: it does not hold, nothing is
  // changed.
  bool adopt_base(Body body, std::shared_ptr<const void> owner, std::string& why);
  // It was not: everything is as before.
  void abandon_base();
  // For a base that somebody else holds in a file: maps a section file of a tables directory.
  static std::shared_ptr<const void> map_section(const std::string& path, Body& body, Error& error);

  // A section of every name that changed since the adopted base, each with all of its lists; empty when there
  // is nothing to say. 1 us a name. Throws std::length_error.
  std::vector<uint8_t> build_delta();
  // Names that the next delta would hold.
  size_t delta_size() const;
  // There is none, or the delta would be too large, or a list changed as a whole.
  bool wants_base() const;

 private:
  using Changes = std::map<std::string, Listed>;  // by key
  using Overrides =
      std::map<std::string, std::vector<std::pair<uint32_t, Listed>>>;  // lists of a name that differ
  // Overrides for who goes through them once: keys and lists of all names behind one another.
  struct Flat {
    std::vector<std::pair<uint8_t, uint32_t>> names;  // bytes of the key, how many lists
    std::vector<uint8_t> keys;
    std::vector<std::pair<uint32_t, Listed>> lists;
  };
  struct List {
    std::shared_ptr<const NameSetFile> file;
    std::shared_ptr<const Changes> older;  // over the file; a build is writing them into a new one
    std::shared_ptr<Changes> newer;        // over both
    // By how many names they make it more; exact where there is a base to tell what was there.
    int64_t older_net = 0;
    int64_t newer_net = 0;
    bool replacing = false;
    std::vector<std::pair<std::string, Listed>> waiting;  // set while it was replaced
  };
  struct Base {
    Names names;
    std::shared_ptr<const void> owner;
  };
  struct Layers;  // what a list consists of at one moment
  class Effective;
  class Building;

  static std::unique_ptr<NameCursor> effective(const Layers& layers);
  Layers layers_of(const List& list) const;
  std::string path_of(uint32_t list, uint64_t serial) const;
  static uint64_t serial_of(const List& list);  // of its set file; 0: none
  static Flat flat(const Overrides& overrides);
  std::vector<uint8_t> encode_changes() const;
  bool load_changes(std::string& why);
  void set_locked(uint32_t list, List& entry, const std::string& key, Listed listed);
  Listed listed_locked(uint32_t list, const List& entry, const std::string& key, Listed otherwise) const;
  void record_locked(uint32_t list, const std::string& key, Listed listed);
  bool differences(const Layers& before, const std::shared_ptr<const NameSetFile>& after,
                   Changes& found) const;
  void swap_file(uint32_t list, const std::shared_ptr<const NameSetFile>& file);
  std::vector<std::pair<uint32_t, Layers>> begin_base();
  std::shared_ptr<const NameSetFile> fold(uint32_t list, const Layers& layers);
  void keep_fold(uint32_t list, const Layers& layers, const std::shared_ptr<const NameSetFile>& file);

  const std::string directory_;
  mutable std::mutex mutex_;  // everything below; never held while a file is read or written
  std::condition_variable idle_;
  std::map<uint32_t, List> lists_;
  std::shared_ptr<const Base> base_;
  Overrides since_;     // the base
  Overrides building_;  // since the base that is being built was begun
  bool is_building_ = false;
  bool outgrown_ = true;  // a new base is needed, whatever the size of since_
  bool outgrown_building_ = false;
  uint64_t serial_ = 0;

  std::mutex saving_;  // of saved_, and of the file
  std::vector<uint8_t> saved_;
};

}  // namespace nnoe::tables
