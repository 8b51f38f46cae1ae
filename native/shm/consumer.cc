// SPDX-License-Identifier: MPL-2.0
#include "shm/consumer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "shm/layout.h"

namespace nnoe::journal {
namespace {

Refusal classify(int code) {
  if (code == ENOENT || code == ENOTDIR) return Refusal::kAbsent;
  return code == EACCES || code == EPERM || code == EROFS ? Refusal::kDenied : Refusal::kIo;
}

Refusal classify(Check check, int code) {
  switch (check) {
    case Check::kGood:
      return Refusal::kNone;
    case Check::kAbsent:
      return Refusal::kAbsent;
    case Check::kVersion:
      return Refusal::kVersion;
    case Check::kDenied:
      return classify(code);
    case Check::kDamaged:
      break;
  }
  return Refusal::kIo;
}

void ring(int fd, char byte) noexcept {
  // A full FIFO means that the producer is gone or has as much to read already.
  [[maybe_unused]] const ssize_t n = ::write(fd, &byte, 1);
}

}  // namespace

std::unique_ptr<Consumer> Consumer::open(const std::string& directory, Refusal& refusal, Error& error) {
  std::unique_ptr<Consumer> self(new Consumer());
  const auto refuse = [&](Refusal why) {
    refusal = why;
    return std::unique_ptr<Consumer>();
  };
  self->dir_ = Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int dir = self->dir_.get();
  if (dir < 0) {
    error = system_error("open", directory);
    return refuse(classify(error.code));
  }
  layout::Meta meta{};
  const Check check = read_meta(dir, meta, error);
  if (check != Check::kGood) {
    if (check == Check::kDamaged) error.text = "the meta file is damaged; a start of Kea repairs it";
    if (check == Check::kVersion) error.text = other_version(meta.version);
    return refuse(classify(check, error.code));
  }
  std::copy(std::begin(meta.id), std::end(meta.id), self->id_.begin());
  make_cursors(dir);
  self->cursors_ = open_below(dir, layout::kCursorsName, O_RDONLY | O_DIRECTORY);
  if (self->cursors_) self->lock_ = open_below(self->cursors_.get(), layout::kHostLockName, O_RDWR | O_CREAT);
  if (!self->lock_) {
    error = system_error("open", directory + "/" + layout::kCursorsName);
    return refuse(classify(error.code));
  }
  if (::flock(self->lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    error = system_error("lock", directory);
    return refuse(error.code == EWOULDBLOCK ? Refusal::kBusy : Refusal::kIo);
  }
  self->wake_ = open_fifo(dir, layout::kWakeName, false, error);
  if (self->wake_) self->bell_ = open_fifo(dir, layout::kBellName, false, error);
  if (!self->bell_) return refuse(classify(error.code));
  self->writer_ = CursorWriter(Fd(::fcntl(self->cursors_.get(), F_DUPFD_CLOEXEC, 0)));
  return self;
}

bool Consumer::load_meta(layout::Meta& meta, Error& error) const {
  const Check check = read_meta(dir_.get(), meta, error);
  if (check == Check::kDamaged) error.text = "the meta file is damaged";
  if (check == Check::kVersion) error.text = "the journal has " + other_version(meta.version);
  return check == Check::kGood;
}

std::unique_ptr<Reader> Consumer::reader(uint64_t after, Error& error) {
  layout::Meta meta{};
  if (!load_meta(meta, error)) return nullptr;
  return std::make_unique<Reader>(Fd(::fcntl(dir_.get(), F_DUPFD_CLOEXEC, 0)), meta, after);
}

bool Consumer::status(JournalStatus& status, Error& error) {
  layout::Meta meta{};
  if (!load_meta(meta, error)) return false;
  std::copy(std::begin(meta.id), std::end(meta.id), status.id.begin());
  std::vector<uint64_t> numbers;
  if (!list_segments(dir_.get(), numbers, error)) return false;
  status.segments = numbers.size();
  for (const uint64_t number : numbers) {
    struct stat info {};
    if (::fstatat(dir_.get(), segment_name(number).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      status.bytes += static_cast<uint64_t>(info.st_size);
    }
  }
  if (meta.generation != hint_generation_) hint_ = {};
  hint_generation_ = meta.generation;
  const Extent extent = find_extent(dir_.get(), numbers, hint_);
  status.head = extent.head;
  status.oldest = extent.oldest;
  return true;
}

bool Consumer::set_cursor(const std::string& name, uint64_t seq, Error& error) {
  if (!valid_cursor_name(name)) {
    error = {EINVAL, "a cursor's name is 1 to 63 of a-z 0-9 . _ -"};
    return false;
  }
  if (seq > layout::kMaxSeq) {
    error = {EINVAL, "a cursor's sequence is below 2^53"};
    return false;
  }
  // Of the journal that was opened, also when another stands there by now: the cursor then tells so itself.
  return writer_.set(name, id_, seq, error);
}

void Consumer::arm() noexcept { ring(bell_.get(), layout::kBellSleep); }
void Consumer::request_walk() noexcept { ring(bell_.get(), layout::kBellWalk); }

void Consumer::drain(int wake_fd) noexcept {
  char bytes[512];
  while (::read(wake_fd, bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
  }
}

}  // namespace nnoe::journal
