// SPDX-License-Identifier: MPL-2.0
#include "addon/list_load.h"

#include <stdexcept>

#include "addon/job.h"

namespace nnoe::addon {

using tables::Listed;
using tables::Reach;
using tables::Stance;

ListLoad::ListLoad(tables::NameStore& store, uint32_t list, uint32_t exceptions,
                   const std::vector<std::string>& protect)
    : list_(list), exceptions_(exceptions), writer_(store.writer(list)) {
  if (exceptions_ != tables::kNoList) exception_writer_ = store.writer(exceptions_);
  for (const std::string& name : protect) {
    protected_.insert(name);
    for (size_t at = 0; at < name.size(); at += 1 + static_cast<uint8_t>(name[at])) {
      above_.insert(name.substr(at));
      if (name[at] == '\0') break;
    }
  }
}

bool ListLoad::is_protected(std::string_view wire, Reach reach) const {
  const auto& those = reach == Reach::kSubtree ? above_ : protected_;
  return !those.empty() && those.count(std::string(wire)) != 0;
}

void ListLoad::name(const uint8_t* wire, size_t size, Reach reach, Stance stance) {
  const Listed listed = reach == Reach::kSubtree ? Listed::kSubtree : Listed::kExact;
  const std::string_view text(reinterpret_cast<const char*>(wire), size);
  if (stance == Stance::kException) {
    ++excepted_;
    if (exception_writer_) {
      exception_writer_->add(wire, size, listed);
    } else if (writer_->add(wire, size, Listed::kNo)) {
      ++taken_off_;
    }
  } else if (is_protected(text, reach)) {
    if (++withheld <= kWithheldShown) withheld_first.push_back((reach == Reach::kSubtree ? "*" : "=") + std::string(text));
  } else {
    writer_->add(wire, size, listed);
  }
}

void ListLoad::unicode(std::string_view text, Reach reach, Stance stance, uint64_t line) {
  if (unicode_rows.size() < kMostUnicode)
    unicode_rows.push_back({std::string(text), reach, stance, line});
  else
    tables::count_fault(report, tables::RowFault::kIdna, line);
}

void ListLoad::entries(const uint8_t* data, size_t size) {
  size_t at = 0;
  while (at < size) {
    const size_t bytes = size - at < 4 ? 0 : data[at + 3];
    if (size - at < 4 || size - at - 4 < bytes) throw std::invalid_argument("half an entry of a list");
    const Reach reach = (data[at + 2] & 1) != 0 ? Reach::kSubtree : Reach::kExact;
    const Stance stance = (data[at + 2] & 4) != 0 ? Stance::kException : Stance::kListed;
    name(data + at + 4, bytes, reach, stance);
    at += 4 + bytes;
  }
}

void ListLoad::take(tables::NameStore& store) {
  journal::Error error;
  if (!store.replace(list_, std::move(writer_), error)) throw Failure(kUnwritten, error.text);
  if (exception_writer_ && !store.replace(exceptions_, std::move(exception_writer_), error))
    throw Failure(kUnwritten, error.text);
}

}  // namespace nnoe::addon
