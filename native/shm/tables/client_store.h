// SPDX-License-Identifier: MPL-2.0
// All mappings as the host holds them while it builds the sections of hosts and prefixes: a base, of which
// the big sections were built, and what changed since, of which the small ones are. 24 bytes a mapping, and
// about 80 for each that changed; three times that while a base is being built.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shm/tables/hosts.h"
#include "shm/tables/prefixes.h"

namespace nnoe::tables {

// One mapping in a flat buffer, 20 bytes.
struct ClientRecord {
  uint8_t address[16];  // network order; IPv4 in the first 4
  uint8_t family;       // 4 or 6
  uint8_t length;  // of the prefix, bits; 32 or 128: a host. Bits of the address behind it are not looked at
  uint16_t role_set;  // little-endian
};
static_assert(sizeof(ClientRecord) == 20);

// More than so many changed hosts, or prefixes in changed ranges, make no delta: then a new base is needed.
constexpr size_t kMaxDelta = 65536;

// IPv4 addresses mapped into IPv6 (::ffff:0:0/96 and longer) are taken as IPv4. All calls from any thread.
class ClientStore {
 public:
  struct BeforeMapping {
    bool operator()(const Mapping& a, const Mapping& b) const noexcept { return before(a, b); }
  };
  // To the value now, kRemoved when the base's is gone. The key's own value says nothing.
  using Changes = std::map<Mapping, uint16_t, BeforeMapping>;
  struct Part {
    std::vector<Mapping> hosts;  // in the order of `before`
    std::vector<Mapping> prefixes;
  };
  struct PartChanges {
    Changes hosts;
    Changes prefixes;
  };
  // One of each family.
  struct Mappings {
    Part of[kFamilies];
  };
  struct MappingChanges {
    PartChanges of[kFamilies];
  };

  struct Base {
    Bytes hosts;  // bodies of the sections
    Bytes prefixes;

   private:
    friend class ClientStore;
    std::shared_ptr<const Mappings> from;
    std::shared_ptr<const Mappings> made;
    MappingChanges changes;  // with which `made` was made of `from`
  };

  struct Delta {
    bool needs_base = false;  // no delta can be made: build_base(), adopt(), and then ask again
    Bytes hosts;              // bodies; empty: nothing changed, leave the section out
    Bytes prefixes;
  };

  ClientStore();

  // All mappings at once, as records one behind the other; of one that is there twice the last counts. False
  // with the reason in `why`, and nothing changed, when a record is not one.
  bool replace(const uint8_t* records, size_t bytes, std::string& why);
  bool set(const ClientRecord& record, std::string& why);
  bool erase(const ClientRecord& record, std::string& why);  // its role set is not looked at

  // Takes the last published base from disk, so that a restart does not build it again; before anything else.
  // What the last delta said is not in it: publish none before all mappings came with replace().
  bool restore(const Hosts& hosts, const Prefixes& prefixes);

  // Sections of all mappings now. Takes about 1 s for a million: call it in a thread; other calls go on
  // meanwhile.
  Base build_base() const;
  // From now on deltas are over this base: call it when its sections are about to be published, and publish
  // them again, not a delta alone, when that failed.
  void adopt(const Base& base);
  // What changed since the adopted base. Milliseconds.
  Delta build_delta() const;

  // The longest mapping that holds an address of 4 or 16 bytes in network order. For people: milliseconds.
  bool find(const uint8_t* address, size_t bytes, ClientRecord& found) const;
  // Mappings by role set, up to the highest that one has.
  std::vector<uint64_t> counts() const;

  size_t size() const;     // mappings
  size_t changes() const;  // of them, since the adopted base; a base is worth building from some thousands on

 private:
  // A record's place and content; false when it is none.
  static bool read(const ClientRecord& record, Family& family, Mapping& mapping, std::string& why);
  void put(Family family, const Mapping& mapping);  // kRemoved: takes it away

  mutable std::mutex mutex_;  // of all below
  std::shared_ptr<const Mappings> base_;
  std::shared_ptr<const Mappings> published_;  // another than base_: no delta can be made
  MappingChanges changes_;                     // since base_
  size_t size_ = 0;
};

// What a delta of prefixes must say: for each changed prefix all of its range, with what lies inside and with
// the prefix around that counts where one was removed. False when that is more than kMaxDelta.
struct DeltaPrefixes {
  std::vector<Mapping> painted;
  std::vector<Mapping> listed;
};
bool resolve_delta(const std::vector<Mapping>& base, const ClientStore::Changes& changes,
                   DeltaPrefixes& delta);

// The entry with the same prefix; nullptr when there is none.
const Mapping* find_mapping(const std::vector<Mapping>& sorted, const Mapping& wanted) noexcept;

}  // namespace nnoe::tables
