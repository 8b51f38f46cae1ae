// SPDX-License-Identifier: MPL-2.0
#include "addon/reader.h"

#include <algorithm>
#include <cstring>

#include "addon/errors.h"

namespace nnoe::addon {
namespace {

template <typename Array>
Array view(Napi::Env env, const std::shared_ptr<Batch>& batch, void* data, size_t length, size_t element) {
  auto* hold = new std::shared_ptr<Batch>(batch);
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
      env, data, length * element, [](Napi::BasicEnv, void*, std::shared_ptr<Batch>* held) { delete held; },
      hold);
  return Array::New(env, length, buffer, 0);
}

Napi::Value payload_view(Napi::Env env, const std::shared_ptr<Batch>& batch) {
  auto* hold = new std::shared_ptr<Batch>(batch);
  return Napi::Buffer<uint8_t>::New(
      env, batch->payload.get(), batch->payload_bytes,
      [](Napi::BasicEnv, uint8_t*, std::shared_ptr<Batch>* held) { delete held; }, hold);
}

void constant(Napi::Object object, const char* name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
}

}  // namespace

Batch::Batch(size_t records, size_t bytes)
    : capacity(records),
      payload_bytes(bytes),
      seqs(new double[records]()),
      kinds(new uint8_t[records]()),
      offsets(new uint32_t[records]()),
      lengths(new uint32_t[records]()),
      payload(new uint8_t[bytes]()) {}

Napi::Function JournalReader::define(Napi::Env env) {
  return DefineClass(
      env, "JournalReader",
      {InstanceMethod<&JournalReader::next>("next"), InstanceMethod<&JournalReader::close>("close"),
       InstanceAccessor<&JournalReader::position>("position", napi_enumerable)});
}

JournalReader::JournalReader(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsExternal()) throw Napi::TypeError::New(env, "use Journal.reader()");
  Start* start = info[0].As<Napi::External<Start>>().Data();
  reader_ = std::move(start->reader);
  position_ = reader_->position();
  batch_ = std::make_shared<Batch>(start->capacity, start->payload_bytes);
  Napi::Object self = info.This().As<Napi::Object>();
  const size_t n = batch_->capacity;
  constant(self, "capacity", Napi::Number::New(env, static_cast<double>(n)));
  constant(self, "seqs", view<Napi::Float64Array>(env, batch_, batch_->seqs.get(), n, sizeof(double)));
  constant(self, "kinds", view<Napi::Uint8Array>(env, batch_, batch_->kinds.get(), n, 1));
  constant(self, "offsets", view<Napi::Uint32Array>(env, batch_, batch_->offsets.get(), n, sizeof(uint32_t)));
  constant(self, "lengths", view<Napi::Uint32Array>(env, batch_, batch_->lengths.get(), n, sizeof(uint32_t)));
  constant(self, "payload", payload_view(env, batch_));
}

size_t JournalReader::copy(size_t limit) {
  size_t count = 0;
  size_t used = 0;
  journal::Record record;
  while (count < limit && reader_->peek(record)) {
    if (record.size > batch_->payload_bytes - used) break;
    std::memcpy(batch_->payload.get() + used, record.payload, record.size);
    batch_->seqs[count] = static_cast<double>(record.seq);
    batch_->kinds[count] = record.kind;
    batch_->offsets[count] = static_cast<uint32_t>(used);
    batch_->lengths[count] = record.size;
    used += record.size;
    ++count;
    reader_->consume();
  }
  return count;
}

Napi::Value JournalReader::next(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!reader_) throw coded(env, kClosed, "the journal reader is closed");
  if (info.Length() < 1 || !info[0].IsNumber()) throw Napi::TypeError::New(env, "limit must be a number");
  const int64_t limit = info[0].As<Napi::Number>().Int64Value();
  if (limit < 1) throw Napi::RangeError::New(env, "limit must be at least 1");
  const size_t count = copy(std::min(static_cast<size_t>(limit), batch_->capacity));
  position_ = reader_->position();
  return Napi::Number::New(env, static_cast<double>(count));
}

Napi::Value JournalReader::position(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(position_));
}

void JournalReader::close(const Napi::CallbackInfo&) { reader_.reset(); }

}  // namespace nnoe::addon
