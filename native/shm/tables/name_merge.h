// SPDX-License-Identifier: MPL-2.0
// Several cursors as one, in the order of keys.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "shm/tables/name_set.h"

namespace nnoe::tables {

class NameMerge {
 public:
  // `tag` is handed back with every name of that cursor.
  void add(std::unique_ptr<NameCursor> cursor, uint32_t tag) {
    if (!cursor->next()) return;
    heads_.push_back({std::move(cursor), tag});
    std::push_heap(heads_.begin(), heads_.end(), After{});
  }

  // Calls begin(key) once for every name and then one(tag, listed) for each cursor that has it, until all are
  // at their ends.
  template <class Begin, class One, class End>
  void run(Begin&& begin, One&& one, End&& end) {
    NameKey key;
    while (!heads_.empty()) {
      copy_key(key, heads_.front().cursor->key());
      begin(key);
      do {
        std::pop_heap(heads_.begin(), heads_.end(), After{});
        Head& head = heads_.back();
        one(head.tag, head.cursor->listed());
        if (head.cursor->next())
          std::push_heap(heads_.begin(), heads_.end(), After{});
        else
          heads_.pop_back();
      } while (!heads_.empty() && heads_.front().cursor->key().compare(key) == 0);
      end(key);
    }
  }

 private:
  struct Head {
    std::unique_ptr<NameCursor> cursor;
    uint32_t tag;
  };
  struct After {
    bool operator()(const Head& a, const Head& b) const noexcept {
      return a.cursor->key().compare(b.cursor->key()) > 0;
    }
  };
  std::vector<Head> heads_;
};

}  // namespace nnoe::tables
