// SPDX-License-Identifier: MPL-2.0
#include "addon/journal.h"

#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/reader.h"
#include "shm/layout.h"

namespace nnoe::addon {
namespace {

constexpr size_t kMaxCapacity = 65536;
constexpr size_t kMaxPayloadBytes = 64u << 20;

const char* code_of(journal::Refusal refusal) {
  switch (refusal) {
    case journal::Refusal::kAbsent:
      return "JOURNAL_ABSENT";
    case journal::Refusal::kBusy:
      return "JOURNAL_BUSY";
    case journal::Refusal::kVersion:
      return "JOURNAL_VERSION";
    case journal::Refusal::kDenied:
      return "JOURNAL_DENIED";
    case journal::Refusal::kNone:
    case journal::Refusal::kIo:
      break;
  }
  return kIo;
}

size_t option(const Napi::Object& options, const char* name, size_t otherwise, size_t least, size_t most) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return otherwise;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (number >= static_cast<double>(least) && number <= static_cast<double>(most))
    return static_cast<size_t>(number);
  throw Napi::RangeError::New(
      options.Env(), std::string(name) + " must be " + std::to_string(least) + " to " + std::to_string(most));
}

uint64_t sequence(const Napi::CallbackInfo& info, size_t index) {
  const double number =
      info.Length() > index && info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : -1;
  if (number >= 0 && number <= static_cast<double>(journal::layout::kMaxSeq))
    return static_cast<uint64_t>(number);
  throw Napi::RangeError::New(info.Env(), "a sequence number is 0 to 2^53 - 1");
}

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

}  // namespace

Napi::Function Journal::define(Napi::Env env) {
  return DefineClass(
      env, "Journal",
      {InstanceMethod<&Journal::status>("status"), InstanceMethod<&Journal::reader>("reader"),
       InstanceMethod<&Journal::cursors>("cursors"), InstanceMethod<&Journal::set_cursor>("setCursor"),
       InstanceMethod<&Journal::remove_cursor>("removeCursor"),
       InstanceMethod<&Journal::on_signal>("onSignal"), InstanceMethod<&Journal::arm>("arm"),
       InstanceMethod<&Journal::request_walk>("requestWalk"), InstanceMethod<&Journal::close>("close")});
}

Journal::Journal(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const std::string directory = text(info, 0, "directory");
  if (info.Length() > 1 && info[1].IsObject()) {
    const auto options = info[1].As<Napi::Object>();
    capacity_ = option(options, "capacity", capacity_, 1, kMaxCapacity);
    payload_bytes_ = option(options, "payloadBytes", payload_bytes_, journal::kMaxPayload, kMaxPayloadBytes);
  }
  journal::Refusal refusal = journal::Refusal::kNone;
  journal::Error error;
  consumer_ = journal::Consumer::open(directory, refusal, error);
  if (!consumer_) throw coded(env, code_of(refusal), error.text);
}

journal::Consumer& Journal::consumer(const Napi::CallbackInfo& info) {
  if (!consumer_) throw coded(info.Env(), kClosed, "the journal is closed");
  return *consumer_;
}

Napi::Value Journal::status(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  journal::JournalStatus status;
  journal::Error error;
  if (!consumer(info).status(status, error)) throw coded(env, kIo, error.text);
  Napi::Object out = Napi::Object::New(env);
  out.Set("id", Napi::String::New(env, journal::hex(status.id)));
  out.Set("head", number(env, status.head));
  out.Set("oldest", number(env, status.oldest));
  out.Set("segments", number(env, status.segments));
  out.Set("bytes", number(env, status.bytes));
  return out;
}

Napi::Value Journal::reader(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  journal::Error error;
  const uint64_t after = sequence(info, 0);
  JournalReader::Start start{consumer(info).reader(after, error), capacity_, payload_bytes_};
  if (!start.reader) throw coded(env, kIo, error.text);
  return env.GetInstanceData<Classes>()->reader.New({Napi::External<JournalReader::Start>::New(env, &start)});
}

Napi::Value Journal::cursors(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array out = Napi::Array::New(env);
  for (const journal::CursorState& cursor : consumer(info).cursors()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", Napi::String::New(env, cursor.name));
    item.Set("journalId", Napi::String::New(env, journal::hex(cursor.id)));
    item.Set("seq", number(env, cursor.seq));
    out.Set(out.Length(), item);
  }
  return out;
}

void Journal::set_cursor(const Napi::CallbackInfo& info) {
  journal::Error error;
  const std::string name = text(info, 0, "name");
  if (!consumer(info).set_cursor(name, sequence(info, 1), error)) throw coded(info.Env(), kIo, error.text);
}

void Journal::remove_cursor(const Napi::CallbackInfo& info) {
  journal::Error error;
  const std::string name = text(info, 0, "name");
  if (!consumer(info).remove_cursor(name, error)) throw coded(info.Env(), kIo, error.text);
}

void Journal::on_signal(const Napi::CallbackInfo& info) {
  const int wake = consumer(info).wake_fd();
  if (info.Length() < 1 || !info[0].IsFunction())
    throw Napi::TypeError::New(info.Env(), "callback must be a function");
  signal_.reset();
  signal_ = std::make_unique<Signal>(info.Env(), info[0].As<Napi::Function>(), wake);
}

void Journal::arm(const Napi::CallbackInfo& info) { consumer(info).arm(); }
void Journal::request_walk(const Napi::CallbackInfo& info) { consumer(info).request_walk(); }

void Journal::close(const Napi::CallbackInfo&) {
  signal_.reset();
  consumer_.reset();
}

}  // namespace nnoe::addon
