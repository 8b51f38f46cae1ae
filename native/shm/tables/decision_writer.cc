// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/decision_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shm/crc32c.h"

namespace nnoe::tables {
namespace {

using journal::Fd;
using journal::Mapping;

uint64_t allowed_ring(uint64_t bytes) noexcept {
  uint64_t ring = kMinRing;
  while (ring < bytes && ring < kMaxRing) ring *= 2;
  return ring;
}

DecisionOptions allowed(DecisionOptions options) {
  options.ring_bytes = allowed_ring(options.ring_bytes);
  return options;
}

// As much of `text` as fits, with a zero behind it.
template <size_t Size>
void put_text(char (&to)[Size], const std::string& text) noexcept {
  std::memset(to, 0, Size);
  std::memcpy(to, text.data(), std::min(text.size(), Size - 1));
}

// Gives the part of the file memory or disk of its own first: a mapping of a file that has none ends the
// process when the file system is full.
Mapping map_part(int fd, uint64_t offset, size_t bytes, std::string& why) {
  const auto at = static_cast<off_t>(offset);
  const int failed = ::posix_fallocate(fd, at, static_cast<off_t>(bytes));
  if (failed != 0) {
    errno = failed;
    why = journal::system_error("reserve", "decisions").text;
    return {};
  }
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);
  if (data == MAP_FAILED) {
    why = journal::system_error("map", "decisions").text;
    return {};
  }
  return {static_cast<uint8_t*>(data), bytes};
}

}  // namespace

DecisionWriter::DecisionWriter(std::string directory, DecisionOptions options)
    : directory_(std::move(directory)), options_(std::move(options)), started_us_(journal::now_us()) {}

DecisionWriter::~DecisionWriter() = default;

std::unique_ptr<DecisionWriter> DecisionWriter::create(std::string directory,
                                                       const DecisionOptions& options) {
  return std::unique_ptr<DecisionWriter>(new DecisionWriter(std::move(directory), allowed(options)));
}

Slot* DecisionWriter::claim() noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    slots_.push_back(std::unique_ptr<Slot>(new Slot(options_.sampling, options_.ring_bytes)));
    return slots_.back().get();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

bool DecisionWriter::maintain(std::string& why) {
  // Somebody may have removed it, with the directory even: then nobody would read it again.
  struct stat info {};
  if (file_ && (::fstat(file_->fd.get(), &info) != 0 || info.st_nlink == 0)) file_.reset();
  if (!file_ && !make_file(why)) return false;
  const bool given = give_slots(why);
  drop_unused();
  publish_status();
  return given;
}

// Under a name that readers pass over until it is locked and its first page is complete.
bool DecisionWriter::make_file(std::string& why) {
  const Fd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return why = journal::system_error("open", directory_).text, false;
  char stem[48];
  std::snprintf(stem, sizeof stem, "%d-%016llx", ::getpid(),
                static_cast<unsigned long long>(started_us_ + files_));
  const std::string temporary = stem + std::string(kDecisionsTemporary);
  const std::string name = stem + std::string(kDecisionsSuffix);
  auto file = std::make_unique<File>();
  file->number = files_ + 1;
  file->fd = journal::open_below(directory.get(), temporary, O_RDWR | O_CREAT | O_EXCL);
  if (!file->fd) return why = journal::system_error("make", directory_ + "/" + temporary).text, false;
  // The host is somebody else; who gets as far as here is for the directory to say.
  ::fchmod(file->fd.get(), 0644);
  const bool locked = ::flock(file->fd.get(), LOCK_EX | LOCK_NB) == 0;
  if (!locked)
    why = journal::system_error("lock", temporary).text;
  else
    file->page = map_part(file->fd.get(), 0, kPage, why);
  if (!file->page) {
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    return false;
  }
  DecisionsHeader header{};
  header.magic = kDecisionsMagic;
  header.version = kDecisionsVersion;
  header.pid = static_cast<uint32_t>(::getpid());
  header.started_us = started_us_;
  header.ring_bytes = options_.ring_bytes;
  header.slot_bytes = kRingAt + options_.ring_bytes;
  header.fail = static_cast<uint32_t>(options_.fail);
  header.sampling = options_.sampling;
  put_text(header.bridge, options_.bridge);
  put_text(header.dnsdist, options_.dnsdist);
  header.crc = crc32c(0, &header, offsetof(DecisionsHeader, crc));
  std::memcpy(file->page.data(), &header, sizeof header);
  if (::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) {
    why = journal::system_error("rename", directory_ + "/" + temporary).text;
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    return false;
  }
  ++files_;
  file_ = std::move(file);
  return true;
}

std::unique_ptr<DecisionArea> DecisionWriter::next_area(std::string& why) {
  const uint64_t slot_bytes = kRingAt + options_.ring_bytes;
  Mapping mapping = map_part(file_->fd.get(), kPage + file_->slots * slot_bytes, slot_bytes, why);
  if (!mapping) return nullptr;
  ++file_->slots;
  return std::make_unique<DecisionArea>(std::move(mapping), file_->number);
}

// Threads beyond kMaxSlots stay where they are: their counters are not seen.
bool DecisionWriter::give_slots(std::string& why) {
  std::vector<Slot*> slots;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& slot : slots_) slots.push_back(slot.get());
  }
  for (Slot* slot : slots) {
    if (slot->offered_.load(std::memory_order_acquire) != nullptr) continue;
    if (slot->used_.load(std::memory_order_acquire)->file() == file_->number) continue;
    if (file_->slots == kMaxSlots) break;
    auto area = next_area(why);
    if (!area) return false;
    slot->offered_.store(area.get(), std::memory_order_release);
    areas_.push_back(std::move(area));
  }
  return true;
}

// Unmaps what no thread uses any more.
void DecisionWriter::drop_unused() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto unused = [this](const std::unique_ptr<DecisionArea>& area) {
    return std::none_of(slots_.begin(), slots_.end(), [&](const std::unique_ptr<Slot>& slot) {
      return slot->offered_.load(std::memory_order_acquire) == area.get() ||
             slot->used_.load(std::memory_order_acquire) == area.get();
    });
  };
  areas_.erase(std::remove_if(areas_.begin(), areas_.end(), unused), areas_.end());
  for (const auto& slot : slots_)
    if (slot->used_.load(std::memory_order_acquire) != slot->first_.get()) slot->first_.reset();
}

void DecisionWriter::set_loaded(uint64_t generation, uint64_t table_bytes) {
  status_.generation = generation;
  status_.table_bytes = table_bytes;
  status_.loaded_us = journal::now_us();
  status_.refused_generation = 0;
  status_.refused_us = 0;
  put_text(status_.reason, "");
  publish_status();
}

void DecisionWriter::set_refused(uint64_t generation, const std::string& reason) {
  status_.refused_generation = generation;
  status_.refused_us = journal::now_us();
  put_text(status_.reason, reason);
  publish_status();
}

void DecisionWriter::publish_status() {
  if (!file_) return;
  auto* const shown = reinterpret_cast<DecisionsStatus*>(file_->page.data() + kStatusAt);
  status_.threads = file_->slots;
  // SYNC status: odd, then the new content, then even; who finds it odd or changed reads again.
  const uint64_t odd = __atomic_load_n(&shown->sequence, __ATOMIC_RELAXED) | 1;
  __atomic_store_n(&shown->sequence, odd, __ATOMIC_RELAXED);
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(reinterpret_cast<uint8_t*>(shown) + sizeof shown->sequence,
              reinterpret_cast<const uint8_t*>(&status_) + sizeof status_.sequence,
              sizeof status_ - sizeof status_.sequence);
  __atomic_store_n(&shown->sequence, odd + 1, __ATOMIC_RELEASE);
}

}  // namespace nnoe::tables
