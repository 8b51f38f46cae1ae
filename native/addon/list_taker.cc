// SPDX-License-Identifier: MPL-2.0
#include "addon/list_taker.h"

#include <algorithm>
#include <stdexcept>

#include "addon/job.h"

namespace nnoe::addon {

using tables::Listed;
using tables::Reach;
using tables::Stance;

ListTaker::ListTaker(tables::NameStore& store, uint32_t list, uint32_t exceptions,
                     const std::vector<std::string>& protect)
    : list_(list), exception_list_(exceptions), writer_(store.writer(list)) {
  if (exception_list_ != tables::kNoList) exception_writer_ = store.writer(exception_list_);
  for (const std::string& name : protect) {
    tables::WireName wire;
    wire.size = std::min(name.size(), sizeof wire.bytes);
    std::copy_n(name.begin(), wire.size, wire.bytes);
    protected_.add(wire);
  }
}

void ListTaker::add(const uint8_t* wire, size_t size, Reach reach, Stance stance) {
  const Listed listed = reach == Reach::kSubtree ? Listed::kSubtree : Listed::kExact;
  if (stance == Stance::kListed) {
    names_ += static_cast<uint64_t>(writer_->add(wire, size, listed));
    return;
  }
  ++excepted_;
  if (exception_writer_)
    exception_writer_->add(wire, size, listed);
  else
    writer_->add(wire, size, Listed::kNo);
}

void ListTaker::entries(const std::string& packed) {
  const auto* data = reinterpret_cast<const uint8_t*>(packed.data());
  for (size_t at = 0; at < packed.size();) {
    const size_t left = packed.size() - at;
    if (left < 4 || left - 4 < data[at + 3]) throw std::invalid_argument("half an entry of a list");
    const Reach reach = (data[at + 2] & 1) != 0 ? Reach::kSubtree : Reach::kExact;
    loader_.name(data + at + 4, data[at + 3], reach, Stance::kListed);
    at += size_t{4} + data[at + 3];
  }
}

void ListTaker::take(tables::NameStore& store) {
  journal::Error error;
  if (!store.replace(list_, std::move(writer_), error)) throw Failure(kUnwritten, error.text);
  if (exception_writer_ && !store.replace(exception_list_, std::move(exception_writer_), error))
    throw Failure(kUnwritten, error.text);
}

}  // namespace nnoe::addon
