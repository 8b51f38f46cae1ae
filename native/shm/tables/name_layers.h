// SPDX-License-Identifier: MPL-2.0
// A list as it is: its set file, and over it the names that changed since.
#pragma once

#include "shm/tables/name_store.h"

namespace nnoe::tables {

struct NameStore::Layers {
  std::shared_ptr<const NameSetFile> file;
  std::shared_ptr<const Changes> older;
  std::shared_ptr<const Changes> newer;
};

// Gives what is listed, in order; the layer above decides.
class NameStore::Effective : public NameCursor {
 public:
  explicit Effective(const Layers& layers);
  bool next() override;

 private:
  struct Layer {
    std::shared_ptr<const Changes> changes;
    Changes::const_iterator at;
  };
  bool from_changes(const std::string*& least) const;

  Layers held_;
  std::unique_ptr<NameSetReader> reader_;
  bool in_file_ = false;
  std::vector<Layer> layers_;  // the one that decides first
};

}  // namespace nnoe::tables
