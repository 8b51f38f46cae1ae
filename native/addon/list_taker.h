// SPDX-License-Identifier: MPL-2.0
// What was read for a list, until it is taken or left.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shm/tables/list_load.h"
#include "shm/tables/name_store.h"
#include "shm/tables/verdict.h"

namespace nnoe::addon {

// One thread at a time.
class ListTaker : public tables::NameSink {
 public:
  // `exceptions`: the list that takes what is excepted; kNoList: that only comes off this one. `protect`:
  // names in lower-case wire form that no entry may cover.
  ListTaker(tables::NameStore& store, uint32_t list, uint32_t exceptions,
            const std::vector<std::string>& protect);

  tables::ListLoader& loader() noexcept { return loader_; }
  void add(const uint8_t* wire, size_t size, tables::Reach reach, tables::Stance stance) override;
  // Entries as src/host/tables/names.ts packs them; throws std::invalid_argument when they are none.
  void entries(const std::string& packed);
  // The list and that of exceptions are what was read. Throws Failure.
  void take(tables::NameStore& store);

  uint64_t names() const noexcept { return names_; }  // with repetitions
  uint64_t exceptions() const noexcept { return excepted_; }

 private:
  const uint32_t list_;
  const uint32_t exception_list_;
  std::unique_ptr<tables::NameSetWriter> writer_;
  std::unique_ptr<tables::NameSetWriter> exception_writer_;
  tables::ProtectedNames protected_;
  tables::ListLoader loader_{*this, &protected_};
  uint64_t names_ = 0;
  uint64_t excepted_ = 0;
};

}  // namespace nnoe::addon
