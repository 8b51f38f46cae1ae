// SPDX-License-Identifier: MPL-2.0
// JournalReader of src/host/native.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "shm/consumer.h"

namespace nnoe::addon {

// Where a batch is copied to. JavaScript sees it through external buffers, each of which holds a reference,
// so that neither side can be left with memory that the other has freed.
struct Batch {
  Batch(size_t records, size_t bytes);
  const size_t capacity;  // records
  const size_t payload_bytes;
  std::unique_ptr<double[]> seqs;
  std::unique_ptr<uint8_t[]> kinds;
  std::unique_ptr<uint32_t[]> offsets;
  std::unique_ptr<uint32_t[]> lengths;
  std::unique_ptr<uint8_t[]> payload;
};

class JournalReader : public Napi::ObjectWrap<JournalReader> {
 public:
  static Napi::Function define(Napi::Env env);
  // Arguments: an External of Start.
  struct Start {
    std::unique_ptr<journal::Reader> reader;
    size_t capacity;
    size_t payload_bytes;
  };
  explicit JournalReader(const Napi::CallbackInfo& info);

 private:
  Napi::Value next(const Napi::CallbackInfo& info);
  Napi::Value position(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  size_t copy(size_t limit);

  std::unique_ptr<journal::Reader> reader_;  // null once closed
  std::shared_ptr<Batch> batch_;
  uint64_t position_ = 0;
};

}  // namespace nnoe::addon
