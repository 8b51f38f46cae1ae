// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/name_set.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "shm/crc32c.h"

namespace nnoe::tables {
namespace {

constexpr size_t kBuffer = 256 * 1024;
constexpr mode_t kFileMode = 0640;

uint32_t header_crc(const NameSetHeader& header) { return crc32c(0, &header, offsetof(NameSetHeader, crc)); }

std::string temporary(const std::string& path) { return path + ".tmp"; }

// The new name has to survive a power cut as well.
bool sync_directory_of(const std::string& path, Error& error) {
  const std::string directory = path.substr(0, path.rfind('/'));
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd && ::fsync(fd.get()) == 0) return true;
  error = journal::system_error("sync", directory);
  return false;
}

}  // namespace

std::shared_ptr<const NameSetFile> open_name_set(const std::string& path, Error& error) {
  auto file = std::make_shared<NameSetFile>();
  file->path = path;
  file->fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const int64_t size = file->fd ? journal::regular_size(file->fd.get()) : -1;
  if (size < 0) {
    error = journal::system_error("open", path);
    return nullptr;
  }
  const auto fails = [&](const char* why) -> std::shared_ptr<const NameSetFile> {
    error = {0, path + ": " + why};
    return nullptr;
  };
  NameSetHeader header{};
  if (journal::read_at(file->fd.get(), &header, sizeof header, 0) != sizeof header) return fails("cut short");
  if (header.magic != kNameSetMagic) return fails("not a set of names");
  if (header.crc != header_crc(header)) return fails("its header is damaged");
  if (header.version != kVersion) return fails("of another version");
  if (header.body_bytes != static_cast<uint64_t>(size) - sizeof header) return fails("cut short");
  std::vector<uint8_t> buffer(kBuffer);
  uint32_t crc = 0;
  for (uint64_t at = 0; at < header.body_bytes;) {
    const size_t n = journal::read_at(file->fd.get(), buffer.data(), buffer.size(), sizeof header + at);
    if (n == 0) return fails("cut short");
    crc = crc32c(crc, buffer.data(), n);
    at += n;
  }
  if (crc != header.body_crc) return fails("damaged: its checksum does not hold");
  file->count = header.count;
  file->wire_bytes = header.wire_bytes;
  file->body_bytes = header.body_bytes;
  return file;
}

// The next bytes of the file in one piece; null at its end.
const uint8_t* NameSetReader::take(size_t size) {
  if (buffer_.size() - at_ < size) {
    const size_t left = buffer_.size() - at_;
    const size_t more = static_cast<size_t>(std::min<uint64_t>(kBuffer, file_->body_bytes - offset_));
    if (left + more < size) return nullptr;
    std::vector<uint8_t> filled(left + more);
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_), buffer_.end(), filled.begin());
    if (journal::read_at(file_->fd.get(), filled.data() + left, more, sizeof(NameSetHeader) + offset_) !=
        more)
      throw std::runtime_error(file_->path + ": became shorter");
    offset_ += more;
    buffer_ = std::move(filled);
    at_ = 0;
  }
  const uint8_t* taken = buffer_.data() + at_;
  at_ += size;
  return taken;
}

bool NameSetReader::next() {
  const uint8_t* head = take(2);
  if (head == nullptr) {
    if (at_ != buffer_.size()) throw std::runtime_error(file_->path + ": ends within a name");
    return false;
  }
  const size_t common = head[0];
  const size_t rest = head[1];
  const uint8_t* bytes = take(rest);
  if (bytes == nullptr || rest == 0 || common > key_.size || common + rest > kMaxName)
    throw std::runtime_error(file_->path + ": a name does not fit");
  std::memcpy(key_.bytes + common, bytes, rest - 1);
  key_.size = common + rest;
  key_.bytes[key_.size - 1] = 0;
  listed_ = static_cast<Listed>(bytes[rest - 1]);
  if (!is_key(key_) || listed_ > Listed::kBelow)
    throw std::runtime_error(file_->path + ": no name where one was expected");
  return true;
}

std::shared_ptr<const NameSetFile> rename_name_set(const NameSetFile& file, const std::string& path,
                                                   Error& error) {
  auto renamed = std::make_shared<NameSetFile>();
  renamed->fd = Fd(::fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!renamed->fd || ::rename(file.path.c_str(), path.c_str()) != 0) {
    error = journal::system_error("rename", file.path);
    return nullptr;
  }
  renamed->path = path;
  renamed->count = file.count;
  renamed->wire_bytes = file.wire_bytes;
  renamed->body_bytes = file.body_bytes;
  return sync_directory_of(path, error) ? renamed : nullptr;
}

NameSetOutput& NameSetOutput::operator=(NameSetOutput&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(buffer_, other.buffer_);
  std::swap(last_, other.last_);
  std::swap(offset_, other.offset_);
  std::swap(header_, other.header_);
  return *this;
}

NameSetOutput::~NameSetOutput() {
  if (fd_) ::unlink(temporary(path_).c_str());
}

bool NameSetOutput::open(const std::string& path, Error& error) {
  path_ = path;
  fd_ = Fd(::open(temporary(path).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!fd_) error = journal::system_error("create", temporary(path));
  offset_ = sizeof header_;
  return static_cast<bool>(fd_);
}

bool NameSetOutput::flush(Error& error) {
  header_.body_crc = crc32c(header_.body_crc, buffer_.data(), buffer_.size());
  if (!journal::write_all(fd_.get(), buffer_.data(), buffer_.size(), offset_)) {
    error = journal::system_error("write", temporary(path_));
    return false;
  }
  offset_ += buffer_.size();
  buffer_.clear();
  return true;
}

bool NameSetOutput::append(const NameKey& key, Listed listed, Error& error) {
  // The root label at the end is known: how the name is listed stands in its place.
  const size_t common = common_bytes(last_, key);
  buffer_.push_back(static_cast<uint8_t>(common));
  buffer_.push_back(static_cast<uint8_t>(key.size - common));
  buffer_.insert(buffer_.end(), key.bytes + common, key.bytes + key.size - 1);
  buffer_.push_back(static_cast<uint8_t>(listed));
  copy_key(last_, key);
  ++header_.count;
  header_.wire_bytes += key.size;
  return buffer_.size() < kBuffer || flush(error);
}

std::shared_ptr<const NameSetFile> NameSetOutput::finish(Error& error) {
  if (!flush(error)) return nullptr;
  header_.magic = kNameSetMagic;
  header_.version = kVersion;
  header_.body_bytes = offset_ - sizeof header_;
  header_.crc = header_crc(header_);
  const std::string from = temporary(path_);
  if (!journal::write_all(fd_.get(), &header_, sizeof header_, 0) || ::fsync(fd_.get()) != 0 ||
      ::rename(from.c_str(), path_.c_str()) != 0) {
    error = journal::system_error("write", from);
    return nullptr;
  }
  auto file = std::make_shared<NameSetFile>();
  file->fd = std::move(fd_);
  file->path = path_;
  file->count = header_.count;
  file->wire_bytes = header_.wire_bytes;
  file->body_bytes = header_.body_bytes;
  if (!sync_directory_of(path_, error)) return nullptr;
  return file;
}

}  // namespace nnoe::tables
