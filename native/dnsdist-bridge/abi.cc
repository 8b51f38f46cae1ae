// SPDX-License-Identifier: MPL-2.0
#include <algorithm>
#include <cstring>

#include "dnsdist-bridge/nnoe.h"
#include "dnsdist-bridge/query.h"

#define NNOE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// What C holds a runtime by.
nnoe_handle* handle_of(std::unique_ptr<nnoe::bridge::Runtime> runtime) noexcept {
  return reinterpret_cast<nnoe_handle*>(runtime.release());
}
nnoe::bridge::Runtime& runtime_of(nnoe_handle* handle) noexcept {
  return *reinterpret_cast<nnoe::bridge::Runtime*>(handle);
}

static_assert(sizeof(nnoe_verdict) == sizeof(nnoe::tables::Verdict) &&
              offsetof(nnoe_verdict, generation) == offsetof(nnoe::tables::Verdict, generation) &&
              offsetof(nnoe_verdict, list) == offsetof(nnoe::tables::Verdict, list));

void tell(const std::string& why, char* error, size_t error_bytes) {
  if (error == nullptr || error_bytes == 0) return;
  const size_t size = std::min(why.size(), error_bytes - 1);
  std::memcpy(error, why.data(), size);
  error[size] = 0;
}

}  // namespace

NNOE_EXPORT uint32_t nnoe_abi(void) { return NNOE_ABI; }

NNOE_EXPORT int nnoe_open(const nnoe_options* options, nnoe_handle** handle, char* error,
                          size_t error_bytes) {
  std::string why = "no options, no directory, or nowhere to put the handle";
  try {
    if (options != nullptr && options->directory != nullptr && handle != nullptr) {
      nnoe::bridge::Options wanted;
      wanted.directory = options->directory;
      if (options->decisions != nullptr) wanted.decisions = options->decisions;
      wanted.bridge = NNOE_VERSION;
      wanted.sampling = options->sampling;
      wanted.fail_closed = options->fail_closed != 0;
      if (auto runtime = nnoe::bridge::Runtime::start(wanted, why)) {
        *handle = handle_of(std::move(runtime));
        return 0;
      }
    }
  } catch (const std::bad_alloc&) {
    why = "no memory";
  }
  tell(why, error, error_bytes);
  return 1;
}

NNOE_EXPORT int nnoe_decide(nnoe_handle* handle, const uint8_t* address, uint32_t address_bytes,
                            const uint8_t* name, uint32_t name_bytes, uint16_t qtype, nnoe_verdict* verdict) {
  const nnoe::tables::Question question{address, address_bytes, name_bytes, name, qtype};
  const nnoe::bridge::Runtime::Query query(runtime_of(handle), question);
  if (verdict != nullptr) query.verdict().store(verdict, query.generation());
  return static_cast<int>(query.verdict().act());
}

NNOE_EXPORT uint64_t nnoe_generation(const nnoe_handle* handle) {
  return reinterpret_cast<const nnoe::bridge::Runtime*>(handle)->generation();
}

NNOE_EXPORT void nnoe_close(nnoe_handle* handle) { delete &runtime_of(handle); }
