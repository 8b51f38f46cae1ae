// SPDX-License-Identifier: MPL-2.0
// libnnoe_dnsdist.so through its C interface, as a program gets it that was not built with it.
#pragma once

#include <dirent.h>
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "dnsdist-bridge/nnoe.h"

namespace nnoe::bench {

class Bridge {
 public:
  // Of the generation in `directory`; `decisions` may be empty.
  Bridge(const std::string& library, const std::string& directory, const std::string& decisions) {
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW);
    if (handle == nullptr) die(::dlerror());
    decide = reinterpret_cast<decltype(&nnoe_decide)>(symbol(handle, "nnoe_decide"));
    generation_ = reinterpret_cast<decltype(&nnoe_generation)>(symbol(handle, "nnoe_generation"));
    close_ = reinterpret_cast<decltype(&nnoe_close)>(symbol(handle, "nnoe_close"));
    const auto open = reinterpret_cast<decltype(&nnoe_open)>(symbol(handle, "nnoe_open"));
    const nnoe_options options{directory.c_str(), decisions.empty() ? nullptr : decisions.c_str(), 1, 1};
    char error[256] = "";
    if (open(&options, &handle_, error, sizeof error) != 0 || generation() == 0) die(error);
  }
  ~Bridge() { close_(handle_); }
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  nnoe_handle* handle() const noexcept { return handle_; }
  uint64_t generation() const noexcept { return generation_(handle_); }
  decltype(&nnoe_decide) decide = nullptr;

 private:
  [[noreturn]] static void die(const char* why) {
    std::fprintf(stderr, "bench: the bridge: %s\n", why);
    std::exit(1);
  }
  static void* symbol(void* library, const char* name) {
    void* const found = ::dlsym(library, name);
    if (found == nullptr) die(name);
    return found;
  }

  decltype(&nnoe_generation) generation_ = nullptr;
  decltype(&nnoe_close) close_ = nullptr;
  nnoe_handle* handle_ = nullptr;
};

}  // namespace nnoe::bench
