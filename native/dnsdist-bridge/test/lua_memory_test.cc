// SPDX-License-Identifier: MPL-2.0
// The list of free blocks under a real LuaJIT, whose allocator is watched: every block goes back once, with
// the size that it was made with.
#include "dnsdist-bridge/lua_memory.h"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <unordered_map>

using nnoe::bridge::Api;
using nnoe::bridge::find_api;
using nnoe::bridge::LuaAllocator;
using nnoe::bridge::push_free_list;

#if defined(__SANITIZE_ADDRESS__)
// Every block is watched here. The sanitizer's own look for leaks, at the end, now and then dies over the
// memory that LuaJIT maps and unmaps.
// NOLINTNEXTLINE: the sanitizer's name; its library does not see one that is hidden.
extern "C" __attribute__((visibility("default"))) int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return 1; }
#endif

namespace {

constexpr int kRegistry = -10000;  // LUA_REGISTRYINDEX
constexpr int kCollect = 2;        // LUA_GCCOLLECT
constexpr int kBytes = 48;

// What is in use, by address.
struct Watched {
  std::unordered_map<void*, size_t> sizes;
  size_t wrong = 0;
  size_t made = 0;  // blocks of the size that the list keeps
};

void* watch(void* data, void* block, size_t old_size, size_t size) {
  auto& watched = *static_cast<Watched*>(data);
  if (block != nullptr) {
    const auto found = watched.sizes.find(block);
    if (found == watched.sizes.end() || found->second != old_size) ++watched.wrong;
    if (found != watched.sizes.end()) watched.sizes.erase(found);
  }
  if (size == 0) {
    std::free(block);
    return nullptr;
  }
  if (block == nullptr && size == kBytes) ++watched.made;
  void* found = std::realloc(block, size);
  watched.sizes[found] = size;
  return found;
}

int nothing(lua_State*) { return 0; }

// The LuaJIT that dnsdist brings along.
struct Lua {
  void* library = dlopen("libluajit-5.1.so.2", RTLD_NOW | RTLD_GLOBAL);
  Api api{};
  Watched watched;
  lua_State* state = nullptr;

  template <class Function>
  Function find(const char* name) const {
    return reinterpret_cast<Function>(dlsym(library, name));
  }

  Lua() {
    REQUIRE_MESSAGE(library != nullptr, "libluajit-5.1.so.2 is not installed, which dnsdist needs");
    find_api(api);  // of dnsdist's own there is nothing here
    state = find<lua_State* (*)(LuaAllocator, void*)>("lua_newstate")(&watch, &watched);
    REQUIRE_MESSAGE(state != nullptr, "this LuaJIT takes no allocator");
    find<void (*)(lua_State*)>("luaL_openlibs")(state);
  }
  ~Lua() { close(); }
  Lua(const Lua&) = delete;
  Lua& operator=(const Lua&) = delete;

  void close() {
    if (state != nullptr) find<void (*)(lua_State*)>("lua_close")(state);
    state = nullptr;
  }
  void pop() { find<void (*)(lua_State*, int)>("lua_settop")(state, -2); }
  void collect() { find<int (*)(lua_State*, int, int)>("lua_gc")(state, kCollect, 0); }
  // As a query does it: a function, and nobody wants it.
  void make_functions(int count) {
    for (int i = 0; i < count; ++i) {
      api.lua.pushcclosure(state, &nothing, 0);
      pop();
    }
  }
  void install(const char* name = "list") {
    push_free_list(state, api.lua);
    api.lua.setfield(state, kRegistry, name);
  }
  void uninstall(const char* name = "list") {
    api.lua.pushnil(state);
    api.lua.setfield(state, kRegistry, name);
    collect();
    collect();
  }
  // Whether it is the one that it began with.
  bool has_its_own() const {
    void* data = nullptr;
    return api.lua.getallocf(state, &data) == &watch && data == &watched;
  }
  void run(const std::string& code) {
    REQUIRE(find<int (*)(lua_State*, const char*)>("luaL_loadstring")(state, code.c_str()) == 0);
    const int status = find<int (*)(lua_State*, int, int, int)>("lua_pcall")(state, 0, 0, 0);
    REQUIRE_MESSAGE(status == 0, api.lua.tolstring(state, -1, nullptr));
  }
};

// Everything that Lua allocates: strings of every length around the block's, tables, coroutines, closures,
// cdata; by the interpreter and by compiled code.
constexpr const char* kAllSorts = R"(
  local ffi = require("ffi")
  local kept = {}
  for round = 1, 300 do
    for length = 0, 80 do
      local text = string.rep("x", length) .. round
      kept[#kept + 1] = { text, function() return text end, ffi.new("char[?]", length) }
      if #kept > 500 then kept = {} end
    end
    local routine = coroutine.wrap(function() for i = 1, 10 do coroutine.yield({ i }) end end)
    for _ = 1, 10 do kept[#kept + 1] = routine() end
  end
)";

}  // namespace

TEST_CASE("functions that are made and forgotten cost no more blocks") {
  Lua lua;
  lua.install();
  lua.make_functions(100'000);
  const size_t before = lua.watched.made;
  CHECK(before < 50'000);
  lua.make_functions(1'000'000);
  CHECK(lua.watched.made <= before + before / 2);
  lua.close();
  CHECK(lua.watched.wrong == 0);
  CHECK(lua.watched.sizes.empty());
}

TEST_CASE("whatever Lua does, every block goes back to who made it") {
  Lua lua;
  lua.run(kAllSorts);
  lua.install();
  lua.run(kAllSorts);
  lua.make_functions(10'000);
  lua.run(kAllSorts);
  lua.close();
  CHECK(lua.watched.wrong == 0);
  CHECK(lua.watched.sizes.empty());
}

TEST_CASE("once nothing refers to the list, Lua has its own allocator again") {
  Lua lua;
  lua.install();
  CHECK_FALSE(lua.has_its_own());
  lua.run(kAllSorts);
  lua.uninstall();
  CHECK(lua.has_its_own());
  lua.run(kAllSorts);
  lua.close();
  CHECK(lua.watched.wrong == 0);
  CHECK(lua.watched.sizes.empty());
}

TEST_CASE("a second one is not put before the first, whichever goes first") {
  Lua lua;
  lua.install("first");
  lua.install("second");
  lua.uninstall("first");
  lua.run(kAllSorts);
  lua.uninstall("second");
  CHECK(lua.has_its_own());
  lua.run(kAllSorts);
}
