// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/lua_memory.h"

#include <new>

namespace nnoe::bridge {

namespace {

// A C function without upvalues, where LuaJIT has 64-bit references (GC64). Where it is another, the list has
// nothing to do.
constexpr size_t kBlock = 48;

struct Block {
  Block* next;
};

// In a userdata.
struct FreeList {
  LuaAllocator former;  // every block is its own, whoever is asked for it
  void* former_data;
  Block* first;
};

// One in a process, as Lua's functions are; filled before the first list is made.
LuaApi lua_api{};

// As Lua has it: null and a size wants a block; a block, its size and 0 frees it; all else resizes.
void* allocate(void* data, void* block, size_t old_size, size_t size) {
  auto& list = *static_cast<FreeList*>(data);
  if (block == nullptr && size == kBlock && list.first != nullptr) {
    Block* found = list.first;
    list.first = found->next;
    __builtin_prefetch(list.first, 1);  // what the next query will want: garbage is not in the caches
    return found;
  }
  if (block != nullptr && size == 0 && old_size == kBlock) {
    list.first = new (block) Block{list.first};
    return nullptr;
  }
  return list.former(list.former_data, block, old_size, size);
}

// __gc, at the latest when Lua ends; before its memory goes, which its own allocator then frees as it is used
// to.
int give_back(lua_State* lua) {
  auto& list = *static_cast<FreeList*>(lua_api.touserdata(lua, 1));
  lua_api.setallocf(lua, list.former, list.former_data);
  while (list.first != nullptr) {
    Block* block = list.first;
    list.first = block->next;
    list.former(list.former_data, block, kBlock, 0);
  }
  return 0;
}

}  // namespace

void push_free_list(lua_State* lua, const LuaApi& api) {
  void* former_data = nullptr;
  const LuaAllocator former = api.getallocf(lua, &former_data);
  if (former == &allocate) return api.pushnil(lua);
  if (lua_api.touserdata == nullptr) lua_api = api;
  auto* list = new (api.newuserdata(lua, sizeof(FreeList))) FreeList{former, former_data, nullptr};
  api.createtable(lua, 0, 1);
  api.pushcclosure(lua, &give_back, 0);
  api.setfield(lua, -2, "__gc");
  api.setmetatable(lua, -2);
  api.setallocf(lua, &allocate, list);
}

}  // namespace nnoe::bridge
