// SPDX-License-Identifier: MPL-2.0
// Several cursors as one, in the order of keys.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "shm/tables/name_set.h"

namespace nnoe::tables {

// A heap of cursors by the first 16 bytes of their keys, as numbers, which nearly always decide.
class NameMerge {
 public:
  // `tag` is handed back with every name of that cursor.
  void add(std::unique_ptr<NameCursor> cursor, uint32_t tag) {
    if (!cursor->next()) return;
    heads_.push_back({begin_of(cursor->key()), cursor.get(), tag});
    cursors_.push_back(std::move(cursor));
  }

  // Calls begin(key) once for every name and then one(tag, listed) for each cursor that has it, until all are
  // at their ends.
  template <class Begin, class One, class End>
  void run(Begin&& begin, One&& one, End&& end) {
    for (size_t i = heads_.size() / 2; i-- > 0;) sink(i);
    NameKey key;
    while (!heads_.empty()) {
      const Start first = heads_.front().start;
      copy_key(key, heads_.front().cursor->key());
      begin(key);
      do {
        Head& head = heads_.front();
        one(head.tag, head.cursor->listed());
        if (head.cursor->next()) {
          head.start = begin_of(head.cursor->key());
        } else {
          head = heads_.back();
          heads_.pop_back();
        }
        if (!heads_.empty()) sink(0);
      } while (!heads_.empty() && heads_.front().start == first &&
               heads_.front().cursor->key().compare(key) == 0);
      end(key);
    }
  }

 private:
  __extension__ using Start = unsigned __int128;

  struct Head {
    Start start;
    NameCursor* cursor;
    uint32_t tag;
  };

  // Of a key; what is missing of a short one is 0, and it ends with one that no longer one has there.
  static Start begin_of(const NameKey& key) noexcept {
    uint64_t words[2] = {0, 0};
    std::memcpy(words, key.bytes, std::min(key.size, sizeof words));
    return static_cast<Start>(__builtin_bswap64(words[0])) << 64 | __builtin_bswap64(words[1]);
  }

  static bool before(const Head& a, const Head& b) noexcept {
    return __builtin_expect(a.start != b.start, 1) ? a.start < b.start
                                                   : a.cursor->key().compare(b.cursor->key()) < 0;
  }

  // Puts one in its place among those below it.
  void sink(size_t at) noexcept {
    const Head moving = heads_[at];
    for (size_t child = 2 * at + 1; child < heads_.size(); child = 2 * at + 1) {
      if (child + 1 < heads_.size() && before(heads_[child + 1], heads_[child])) ++child;
      if (!before(heads_[child], moving)) break;
      heads_[at] = heads_[child];
      at = child;
    }
    heads_[at] = moving;
  }

  std::vector<std::unique_ptr<NameCursor>> cursors_;
  std::vector<Head> heads_;
};

}  // namespace nnoe::tables
