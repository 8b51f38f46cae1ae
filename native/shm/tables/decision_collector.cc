// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/decision_collector.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace nnoe::tables {
namespace {

using journal::Fd;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A new file is found before the fastest thread has filled its ring.
constexpr milliseconds kScanEvery{100};
constexpr int kCountEvery = 4;  // scans: then counters of live processes are read
// A ring holds a tenth of a second of what the fastest thread decides; less is waited when there is more.
constexpr milliseconds kIdle{40};
constexpr milliseconds kBusy{5};
constexpr size_t kBatch = 4 * kRingBlock;
constexpr int kTurns = 64;  // batches of one process before the next has its turn
constexpr const char* kLockFile = "host.lock";
// Whoever dnsdist runs as is in our group; files that it makes get that group too.
constexpr mode_t kDirectoryMode = 02770;
constexpr time_t kTemporaryAge = 60;  // s; a file is made in less
constexpr size_t kMostName = 63;      // decision_totals.h

uint64_t secret() {
  uint64_t word = 0;
  draw_secret(&word, 1);
  return word;
}

bool unlinked(const Fd& fd) {
  struct stat info {};
  return ::fstat(fd.get(), &info) != 0 || info.st_nlink == 0;
}

}  // namespace

DecisionCollector::DecisionCollector(std::string directory)
    : directory_(std::move(directory)),
      secret_(secret()),
      batch_(kBatch),
      totals_{1, std::vector<uint64_t>(kCounters)},
      gathered_(std::make_unique<Gathered>(secret_)),
      thread_([this] { run(); }) {}

DecisionCollector::~DecisionCollector() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

DecisionCollector::State DecisionCollector::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_;
}

void DecisionCollector::take(std::unique_ptr<Gathered>& out, Totals& totals) {
  if (!out) out = std::make_unique<Gathered>(secret_);
  out->clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  std::swap(out, gathered_);
  if (totals.version != totals_.version) totals = totals_;
}

void DecisionCollector::run() noexcept {
  pthread_setname_np(pthread_self(), "nnoe-decisions");
  auto due = Clock::now();
  for (;;) {
    bool more = false;
    try {
      if (Clock::now() >= due) {
        scan();
        due = Clock::now() + kScanEvery;
      }
      for (auto& [key, process] : processes_) more = drain(process) || more;
    } catch (const std::exception& error) {
      trouble(Trouble::kDirectory, error.what());
    }
    std::unique_lock<std::mutex> lock(mutex_);
    const milliseconds pause = processes_.empty() ? kScanEvery : more ? kBusy : kIdle;
    if (wake_.wait_for(lock, pause, [this] { return stop_; })) return;
  }
}

// The first of a look stays.
void DecisionCollector::trouble(Trouble::Kind kind, std::string why) {
  if (next_.trouble.kind == Trouble::kNone) next_.trouble = {kind, std::move(why)};
}

// Makes the directory when it is not there (any more), and keeps other hosts out of it.
bool DecisionCollector::hold_directory() {
  if (lock_ && !unlinked(lock_)) return true;
  lock_.reset();
  held_ = Fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!held_ && errno == ENOENT) {
    journal::Error error;
    if (!journal::make_directories(directory_, error)) return trouble(Trouble::kDirectory, error.text), false;
    ::chmod(directory_.c_str(), kDirectoryMode);
    held_ = Fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  if (!held_) return trouble(Trouble::kDirectory, journal::system_error("open", directory_).text), false;
  Fd lock = journal::open_below(held_.get(), kLockFile, O_RDWR | O_CREAT);
  if (!lock)
    return trouble(Trouble::kDirectory, journal::system_error("make", directory_ + "/" + kLockFile).text),
           false;
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return trouble(Trouble::kBusy, "another process reads it"), false;
  struct stat info {};
  char byte = 0;
  // Its time says when a host last looked: see scan.
  if (::fstat(lock.get(), &info) == 0 && journal::read_at(lock.get(), &byte, 1, 0) == 1 && first_)
    since_us_ = static_cast<uint64_t>(info.st_mtim.tv_sec) * 1000000u +
                static_cast<uint64_t>(info.st_mtim.tv_nsec) / 1000u;
  std::string why;
  if (first_ && !read_totals(held_.get(), buried_, why)) trouble(Trouble::kFile, why);
  for (const std::string& name : buried_.included) ::unlinkat(held_.get(), name.c_str(), 0);
  lock_ = std::move(lock);
  return true;
}

// What bridges left that ended while they made their file. A living one has a lock on it.
void DecisionCollector::clear_temporaries() {
  std::vector<std::string> names;
  journal::Error error;
  journal::list_names(held_.get(), names, error);
  for (const std::string& name : names) {
    struct stat info {};
    const std::string_view end(kDecisionsTemporary);
    if (name.size() < end.size() || name.compare(name.size() - end.size(), end.size(), end) != 0) continue;
    const Fd file = journal::open_below(held_.get(), name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!file || ::fstat(file.get(), &info) != 0 || info.st_mtime + kTemporaryAge > ::time(nullptr)) continue;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(held_.get(), name.c_str(), 0);
  }
}

void DecisionCollector::scan() {
  next_.trouble = {};
  std::string why;
  if (hold_directory()) {
    if (first_) clear_temporaries();
    const bool changed = looked_.changed(AT_FDCWD, directory_.c_str());
    if (changed) names_.clear();
    if (changed && !DecisionReader::list(directory_, names_, why))
      trouble(Trouble::kDirectory, why), looked_.forget();
    else
      find(names_);
    const char byte = 1;
    if (!journal::write_all(lock_.get(), &byte, 1, 0)) trouble(Trouble::kDirectory, "it cannot be written");
    first_ = false;
  }
  for (auto at = processes_.begin(); at != processes_.end();) {
    Process& process = at->second;
    const bool dead = process.reader && !process.reader->alive();
    if (process.reader) process.reader->status(process.status);
    if (dead || scans_ % kCountEvery == 0 || process.counters.empty()) refresh(process);
    at = dead && bury(process) ? processes_.erase(at) : std::next(at);
  }
  ++scans_;
  publish();
}

void DecisionCollector::find(const std::vector<std::string>& names) {
  const auto there = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (auto& [key, process] : processes_)
    if (process.reader && !there(process.name)) part(process);
  for (const std::string& name : names) {
    const auto known = [&](const auto& each) { return each.second.name == name; };
    if (std::none_of(processes_.begin(), processes_.end(), known)) meet(name);
  }
}

void DecisionCollector::meet(const std::string& name) {
  if (name.size() > kMostName) return;
  // What a host was interrupted over is counted already.
  const auto& included = buried_.included;
  if (std::find(included.begin(), included.end(), name) != included.end()) {
    ::unlinkat(held_.get(), name.c_str(), 0);
    return;
  }
  std::string why;
  auto reader = DecisionReader::open(directory_ + "/" + name, why);
  DecisionStatus status{};
  if (!reader) return trouble(Trouble::kFile, why);
  if (!reader->status(status)) return;
  Process& process = processes_[{status.process.started_us, status.process.pid}];
  if (process.reader) return trouble(Trouble::kFile, name + " is a copy of " + process.name);
  process.name = name;
  process.reader = std::move(reader);
  process.status = status;
  process.counters.clear();
  process.fresh = first_;
}

// Somebody removed the file of a process that may live: its next file takes the counters along, thread by
// thread.
void DecisionCollector::part(Process& process) {
  while (drain(process)) continue;
  refresh(process);
  if (process.floor.empty()) process.floor.resize(kCounters);
  for (size_t i = 0; i < process.counters.size(); ++i)
    process.floor[i] = std::max(process.floor[i], process.counters[i]);
  process.counters.clear();
  process.reader.reset();
  process.name.clear();
}

void DecisionCollector::refresh(Process& process) {
  if (!process.reader) return;
  process.reader->status(process.status);
  std::vector<uint64_t> now;
  if (process.reader->counters(now)) process.counters = std::move(now);
}

// True: all that it left is counted for good, and its file is gone.
bool DecisionCollector::bury(Process& process) {
  while (drain(process)) continue;
  DecisionTotals next = buried_;
  next.included = {process.name};
  for (size_t i = 0; i < kCounters; ++i) {
    const uint64_t counted = process.counters.empty() ? 0 : process.counters[i];
    next.counters[i] += std::max(counted, process.floor.empty() ? 0 : process.floor[i]);
  }
  std::string why;
  if (!lock_ || !write_totals(held_.get(), next, why)) {
    if (!why.empty()) trouble(Trouble::kDirectory, why);
    return false;
  }
  buried_ = std::move(next);
  process.reader->unlink();
  return true;
}

// One turn; true: there was something, so there may be more.
bool DecisionCollector::drain(Process& process) {
  if (!process.reader) return false;
  bool read = false;
  bool more = true;
  for (int turn = 0; more && turn < kTurns; ++turn) {
    const size_t bytes = process.reader->read(batch_.data(), batch_.size());
    gather(process, bytes);
    more = bytes != 0;
    read = read || more;
  }
  process.fresh = false;
  return read;
}

void DecisionCollector::gather(Process& process, size_t bytes) {
  const uint64_t lost = process.reader->lost();
  const uint64_t damaged = process.reader->damaged();
  if (bytes == 0 && lost == process.lost && damaged == process.damaged) return;
  const uint64_t newly = process.fresh ? 0 : lost - process.lost;
  const uint32_t weight = std::max(process.status.process.sampling, 1u);
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t before = gathered_->records;
  gathered_->take(batch_.data(), bytes, weight, since_us_);
  gathered_->lost += newly;
  gathered_->damaged += damaged - process.damaged;
  next_.records += gathered_->records - before;
  next_.lost += newly;
  next_.damaged += damaged - process.damaged;
  process.lost = lost;
  process.damaged = damaged;
}

void DecisionCollector::publish() {
  next_.bridges.clear();
  for (const auto& [key, process] : processes_)
    if (process.reader) next_.bridges.push_back(process.status);
  // While there is nobody, totals stay: half a megabyte is not gone through for that.
  const bool same = alone_;
  alone_ = processes_.empty() && !first_;
  if (!same) sum();
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = next_;
  if (same) return;
  std::swap(totals_.counters, sums_);
  ++totals_.version;
}

void DecisionCollector::sum() {
  sums_ = buried_.counters;
  for (const auto& [key, process] : processes_) {
    for (size_t i = 0; i < kCounters; ++i) {
      const uint64_t counted = process.counters.empty() ? 0 : process.counters[i];
      sums_[i] += std::max(counted, process.floor.empty() ? 0 : process.floor[i]);
    }
  }
}

}  // namespace nnoe::tables
