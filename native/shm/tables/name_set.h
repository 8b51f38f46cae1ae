// SPDX-License-Identifier: MPL-2.0
// Set files: the names of one list in the order of their keys, for the host alone. Written once, then only
// read; about 13 bytes a name. TABLES.md has the format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shm/files.h"
#include "shm/tables/name_key.h"

namespace nnoe::tables {

using journal::Error;
using journal::Fd;

constexpr uint64_t kNameSetMagic = journal::layout::magic("NNOEnset");

struct NameSetHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t body_crc;    // CRC32C
  uint64_t count;       // names
  uint64_t wire_bytes;  // of all names in wire form
  uint64_t body_bytes;
  uint32_t zero[5];
  uint32_t crc;  // CRC32C of everything before
};
static_assert(sizeof(NameSetHeader) == 64);

// A set file that was checked when it was opened. It stays readable for who holds it when its name is gone.
struct NameSetFile {
  Fd fd;
  std::string path;
  uint64_t count = 0;
  uint64_t wire_bytes = 0;
  uint64_t body_bytes = 0;
};
// Reads all of it once, for its checksum. Null: `error` says why; code 0 when the file is damaged or foreign.
std::shared_ptr<const NameSetFile> open_name_set(const std::string& path, Error& error);

// One name after the other, in the order of their keys.
class NameCursor {
 public:
  virtual ~NameCursor() = default;
  // False at the end. Throws std::runtime_error when the file cannot be read as it was before.
  virtual bool next() = 0;
  const NameKey& key() const noexcept { return key_; }
  Listed listed() const noexcept { return listed_; }

 protected:
  NameKey key_;
  Listed listed_ = Listed::kNo;
};

class NameSetReader : public NameCursor {
 public:
  explicit NameSetReader(std::shared_ptr<const NameSetFile> file) : file_(std::move(file)) {}
  bool next() override;

 private:
  const uint8_t* take(size_t size);

  std::shared_ptr<const NameSetFile> file_;
  std::vector<uint8_t> buffer_;
  size_t at_ = 0;
  uint64_t offset_ = 0;  // of what comes after the buffer
};

// Writes a set file from names in order. Until finish() it bears another name, and is removed if that never
// comes.
class NameSetOutput {
 public:
  NameSetOutput() = default;
  NameSetOutput(NameSetOutput&&) = default;
  NameSetOutput& operator=(NameSetOutput&& other) noexcept;
  ~NameSetOutput();
  bool open(const std::string& path, Error& error);
  // Keys rise.
  bool append(const NameKey& key, Listed listed, Error& error);
  // Syncs and renames; null on failure.
  std::shared_ptr<const NameSetFile> finish(Error& error);
  uint64_t count() const noexcept { return header_.count; }

 private:
  bool flush(Error& error);

  Fd fd_;
  std::string path_;
  std::vector<uint8_t> buffer_;
  NameKey last_;
  uint64_t offset_ = 0;
  NameSetHeader header_{};
};

}  // namespace nnoe::tables
