// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/dnsdist_api.h"

#include <dlfcn.h>

#include <cstring>

namespace nnoe::bridge {

namespace {

template <class Pointer>
bool find(const char* name, Pointer& to, const char*& missing) noexcept {
  void* found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr && missing == nullptr) missing = name;
  static_assert(sizeof found == sizeof to);
  std::memcpy(&to, &found, sizeof to);
  return found != nullptr;
}

}  // namespace

const char* find_api(Api& api) noexcept {
  const char* missing = nullptr;
  LuaApi& lua = api.lua;
  find("lua_touserdata", lua.touserdata, missing);
  find("lua_tolstring", lua.tolstring, missing);
  find("lua_tonumber", lua.tonumber, missing);
  find("lua_tointeger", lua.tointeger, missing);
  find("lua_toboolean", lua.toboolean, missing);
  find("lua_pushinteger", lua.pushinteger, missing);
  find("lua_pushlstring", lua.pushlstring, missing);
  find("lua_pushnil", lua.pushnil, missing);
  find("lua_pushcclosure", lua.pushcclosure, missing);
  find("lua_newuserdata", lua.newuserdata, missing);
  find("lua_createtable", lua.createtable, missing);
  find("lua_setfield", lua.setfield, missing);
  find("lua_setmetatable", lua.setmetatable, missing);
  find("lua_getallocf", lua.getallocf, missing);
  find("lua_setallocf", lua.setallocf, missing);
  DnsdistApi& dnsdist = api.dnsdist;
  find("dnsdist_ffi_dnsquestion_get_remoteaddr", dnsdist.remoteaddr, missing);
  find("dnsdist_ffi_dnsquestion_get_qname_raw", dnsdist.qname_raw, missing);
  find("dnsdist_ffi_dnsquestion_get_qtype", dnsdist.qtype, missing);
  find("dnsdist_ffi_dnsquestion_get_header", dnsdist.header, missing);
  find("dnsdist_ffi_dnsquestion_get_len", dnsdist.len, missing);
  find("dnsdist_ffi_dnsquestion_get_tcp", dnsdist.tcp, missing);
  find("dnsdist_ffi_dnsquestion_set_size", dnsdist.set_size, missing);
  find("dnsdist_ffi_dnsquestion_set_len", dnsdist.set_len, missing);
  find("dnsdist_ffi_dnsquestion_set_rcode", dnsdist.set_rcode, missing);
  find("dnsdist_ffi_dnsquestion_set_result", dnsdist.set_result, missing);
  return missing;
}

}  // namespace nnoe::bridge
