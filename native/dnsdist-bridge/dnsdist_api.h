// SPDX-License-Identifier: MPL-2.0
// What is used of dnsdist and of the Lua that it carries, found by name when the library is attached: it is
// built without their headers and loads where they are not. Declarations follow dnsdist-lua-ffi-interface.h
// (the same from 1.7 to 2.1 for these ten) and lua.h of Lua 5.1.
#pragma once

#include <cstddef>
#include <cstdint>

struct lua_State;
struct dnsdist_ffi_dnsquestion_t;

namespace nnoe::bridge {

using LuaFunction = int (*)(lua_State*);
using LuaAllocator = void* (*)(void* data, void* block, size_t old_size, size_t size);

struct LuaApi {
  void* (*touserdata)(lua_State*, int);
  const char* (*tolstring)(lua_State*, int, size_t*);  // lives as long as the value is on the stack
  double (*tonumber)(lua_State*, int);
  ptrdiff_t (*tointeger)(lua_State*, int);
  int (*toboolean)(lua_State*, int);
  void (*pushinteger)(lua_State*, ptrdiff_t);
  void (*pushlstring)(lua_State*, const char*, size_t);
  void (*pushnil)(lua_State*);
  void (*pushcclosure)(lua_State*, LuaFunction, int);
  void* (*newuserdata)(lua_State*, size_t);
  void (*createtable)(lua_State*, int, int);
  void (*setfield)(lua_State*, int, const char*);
  int (*setmetatable)(lua_State*, int);
  LuaAllocator (*getallocf)(lua_State*, void**);
  void (*setallocf)(lua_State*, LuaAllocator, void*);
};

using Dq = dnsdist_ffi_dnsquestion_t;

struct DnsdistApi {
  // Pointers into the question, for as long as the action runs. Behind PROXY protocol the address is the
  // client's.
  void (*remoteaddr)(const Dq*, const void**, size_t*);
  void (*qname_raw)(const Dq*, const char**, size_t*);
  uint16_t (*qtype)(const Dq*);
  // The packet's first byte; moves when the packet is resized.
  void* (*header)(const Dq*);
  uint16_t (*len)(const Dq*);
  bool (*tcp)(const Dq*);
  bool (*set_size)(Dq*, size_t);
  void (*set_len)(Dq*, uint16_t);
  void (*set_rcode)(Dq*, int);
  void (*set_result)(Dq*, const char*, size_t);
};

struct Api {
  LuaApi lua;
  DnsdistApi dnsdist;
};

// Null when all were found, else the name of the first that was not.
const char* find_api(Api& api) noexcept;

}  // namespace nnoe::bridge
