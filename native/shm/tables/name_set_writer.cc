// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/name_set_writer.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace nnoe::tables {
namespace {

constexpr size_t kWindow = sizeof(uint64_t);

// What counts when one name comes more than once.
Listed stronger(Listed a, Listed b) {
  return a == Listed::kNo || b == Listed::kNo ? Listed::kNo : std::max(a, b);
}

}  // namespace

// What is in memory, once it is sorted.
class NameSetWriter::Sorted : public NameCursor {
 public:
  explicit Sorted(const NameSetWriter& writer) : writer_(writer) {}
  bool next() override {
    const auto& items = writer_.items_;
    if (at_ == items.size()) return false;
    load(items[at_], key_);
    listed_ = items[at_].listed;
    for (++at_; at_ < items.size() && same(items[at_]); ++at_) listed_ = stronger(listed_, items[at_].listed);
    return true;
  }

 private:
  void load(const Item& item, NameKey& key) const {
    std::memcpy(key.bytes, writer_.keys_.data() + item.offset, item.size);
    key.size = item.size;
  }
  bool same(const Item& item) const {
    return item.size == key_.size &&
           std::memcmp(writer_.keys_.data() + item.offset, key_.bytes, item.size) == 0;
  }

  const NameSetWriter& writer_;
  size_t at_ = 0;
};

NameSetWriter::NameSetWriter(std::string path, size_t memory) : path_(std::move(path)), memory_(memory) {}

NameSetWriter::~NameSetWriter() {
  for (const auto& run : runs_) ::unlink(run->path.c_str());
}

bool NameSetWriter::add(const uint8_t* wire, size_t size, Listed listed) {
  NameKey key;
  if (!make_key(wire, size, key)) return false;
  ++added_;
  if (failed_) return true;
  items_.push_back({0, static_cast<uint32_t>(keys_.size()), static_cast<uint8_t>(size), listed});
  keys_.insert(keys_.end(), key.bytes, key.bytes + size);
  if (keys_.size() + items_.size() * sizeof(Item) > memory_) failed_ = !spill();
  return true;
}

// By 8 bytes of the key after the other, which compare as one number. What is read behind a key's end matters
// only among equal keys, whose order is of no interest.
void NameSetWriter::sort(Item* begin, Item* end, size_t depth) {
  for (Item* item = begin; item != end; ++item) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, keys_.data() + item->offset + depth, sizeof bytes);
    item->window = __builtin_bswap64(bytes);
  }
  std::sort(begin, end, [](const Item& a, const Item& b) { return a.window < b.window; });
  for (Item* from = begin; from != end;) {
    Item* to = from + 1;
    while (to != end && to->window == from->window) ++to;
    if (to - from > 1 && from->size > depth + kWindow) sort(from, to, depth + kWindow);
    from = to;
  }
}

void NameSetWriter::sort_all() {
  keys_.resize(keys_.size() + kWindow);
  if (!items_.empty()) sort(items_.data(), items_.data() + items_.size(), 0);
}

bool NameSetWriter::write(NameMerge& merge, const std::string& path, bool last,
                          std::shared_ptr<const NameSetFile>& file) {
  NameSetOutput out;
  if (!out.open(path, error_)) return false;
  Listed listed = Listed::kNo;
  bool first = true;
  bool good = true;
  merge.run([&](const NameKey&) { first = true; },
            [&](uint32_t, Listed one) {
              listed = first ? one : stronger(listed, one);
              first = false;
            },
            [&](const NameKey& key) {
              if (good && (!last || listed != Listed::kNo)) good = out.append(key, listed, error_);
            });
  if (good) file = out.finish(error_);
  return good && file != nullptr;
}

bool NameSetWriter::spill() {
  sort_all();
  NameMerge merge;
  merge.add(std::make_unique<Sorted>(*this), 0);
  std::shared_ptr<const NameSetFile> run;
  if (!write(merge, path_ + ".run" + std::to_string(runs_.size()), false, run)) return false;
  runs_.push_back(std::move(run));
  keys_.clear();
  items_.clear();
  return true;
}

std::shared_ptr<const NameSetFile> NameSetWriter::finish(Error& error) {
  std::shared_ptr<const NameSetFile> file;
  if (!failed_) {
    sort_all();
    NameMerge merge;
    for (const auto& run : runs_) merge.add(std::make_unique<NameSetReader>(run), 0);
    merge.add(std::make_unique<Sorted>(*this), 0);
    failed_ = !write(merge, path_, true, file);
  }
  std::vector<uint8_t>().swap(keys_);
  std::vector<Item>().swap(items_);
  if (failed_) error = error_;
  return file;
}

}  // namespace nnoe::tables
