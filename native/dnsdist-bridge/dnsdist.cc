// SPDX-License-Identifier: MPL-2.0
// Between dnsdist and the verdict: one C function for every query, set by Lua (nnoe.lua) as a per-thread
// action. Nothing is thrown across, and nothing of ours is kept in Lua.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>

#include "dnsdist-bridge/answer.h"
#include "dnsdist-bridge/dnsdist_api.h"
#include "dnsdist-bridge/lua_memory.h"
#include "dnsdist-bridge/query.h"

namespace nnoe::bridge {

namespace {

// Values of dnsdist's DNSAction, as the dnsdist that runs numbers them.
struct Numbers {
  int none, drop, header_modify, pool;
};

// One in a process, as its tables are: written under `lock` before any query function is handed out.
struct Bridge {
  std::mutex lock;
  bool attached = false;
  Options options;
  std::string why;  // nothing can be decided, or not yet; the latter is told once
  // Never ended: its threads may be asking while the process exits.
  Runtime* runtime = nullptr;
  Numbers numbers{};
  Api api{};
};
Bridge bridge;

// Puts an answer in the packet's place.
int answer_in_packet(Dq* dq, const tables::Action& action, Transport transport) noexcept {
  const DnsdistApi& api = bridge.api.dnsdist;
  uint8_t out[kMaxAnswer];
  const size_t size =
      answer(static_cast<const uint8_t*>(api.header(dq)), api.len(dq), transport, action, out);
  if (size == 0 || !api.set_size(dq, size)) {
    // Not a question as DNS has it, and yet dnsdist took it.
    api.set_rcode(dq, 5);
    return bridge.numbers.header_modify;
  }
  api.set_len(dq, static_cast<uint16_t>(size));
  std::memcpy(api.header(dq), out, size);
  return bridge.numbers.header_modify;
}

// What dnsdist is told; None lets its own rules, cache and servers go on.
int apply(Dq* dq, const tables::Question& question, const tables::Action& action) noexcept {
  const DnsdistApi& api = bridge.api.dnsdist;
  const Numbers& numbers = bridge.numbers;
  const tables::Act act = action.what();
  if (act == tables::Act::kDrop) return numbers.drop;
  if (act == tables::Act::kPool) {
    api.set_result(dq, action.pool().data(), action.pool().size());
    return numbers.pool;
  }
  const Transport transport = api.tcp(dq) ? Transport::kTcp : Transport::kUdp;
  // To ask again over TCP was all that it was told.
  if (act == tables::Act::kTruncate && transport == Transport::kTcp) return numbers.none;
  if (redirects_to(action, question.name, question.name_bytes)) return numbers.none;
  return answer_in_packet(dq, action, transport);
}

int query(lua_State* lua) {
  const Api& api = bridge.api;
  auto* dq = static_cast<Dq*>(api.lua.touserdata(lua, 1));
  const void* address = nullptr;
  const char* name = nullptr;
  size_t address_bytes = 0;
  size_t name_bytes = 0;
  api.dnsdist.remoteaddr(dq, &address, &address_bytes);
  api.dnsdist.qname_raw(dq, &name, &name_bytes);
  const tables::Question question{static_cast<const uint8_t*>(address), static_cast<uint32_t>(address_bytes),
                                  static_cast<uint32_t>(name_bytes), reinterpret_cast<const uint8_t*>(name),
                                  api.dnsdist.qtype(dq)};
  const Runtime::Query asked(*bridge.runtime, question);
  const bool allow = asked.verdict().act() == tables::Act::kAllow;
  api.lua.pushinteger(lua, allow ? bridge.numbers.none : apply(dq, question, asked.action()));
  return 1;
}

std::string text(lua_State* lua, int index) {
  size_t size = 0;
  const char* data = bridge.api.lua.tolstring(lua, index, &size);
  return data == nullptr ? std::string() : std::string(data, size);
}

// Arguments: directory, decisions, sampling, fail, then the numbers of None, Drop, HeaderModify, Pool; and
// whether this Lua belongs to one thread and does nothing else. nnoe.lua has checked them.
void attach_first(lua_State* lua) {
  const LuaApi& api = bridge.api.lua;
  Options& options = bridge.options;
  options.directory = text(lua, 1);
  options.decisions = text(lua, 2);
  const double share = api.tonumber(lua, 3);
  options.sampling = share > 0 ? static_cast<uint32_t>(std::min(1 / share + 0.5, 4e9)) : 0;
  options.fail_closed = text(lua, 4) != "open";
  options.bridge = NNOE_VERSION;
  const auto number = [&](int index) { return static_cast<int>(api.tointeger(lua, index)); };
  bridge.numbers = {number(5), number(6), number(7), number(8)};
  bridge.runtime = Runtime::start(options, bridge.why).release();
  bridge.attached = true;
}

int push_failure(lua_State* lua, const std::string& why) {
  bridge.api.lua.pushnil(lua);
  bridge.api.lua.pushlstring(lua, why.data(), why.size());
  return 2;
}

int attach(lua_State* lua) {
  const std::lock_guard<std::mutex> guard(bridge.lock);
  const LuaApi& api = bridge.api.lua;
  if (!bridge.attached) {
    if (const char* missing = find_api(bridge.api); missing != nullptr) {
      // Without Lua's own functions there is nobody to tell.
      return api.pushnil == nullptr || api.pushlstring == nullptr
                 ? 0
                 : push_failure(lua, std::string("this dnsdist has no ") + missing);
    }
    attach_first(lua);
  } else if (text(lua, 1) != bridge.options.directory) {
    return push_failure(lua,
                        "tables of " + bridge.options.directory + " are in use: one directory a process");
  }
  if (bridge.runtime == nullptr) return push_failure(lua, bridge.why);
  const bool own = api.toboolean(lua, 9) != 0;
  // Held by the function that it is for.
  if (own) push_free_list(lua, api);
  api.pushcclosure(lua, &query, own ? 1 : 0);
  if (bridge.why.empty()) return 1;
  api.pushlstring(lua, bridge.why.data(), bridge.why.size());
  bridge.why.clear();
  return 2;
}

}  // namespace

}  // namespace nnoe::bridge

// Looked up by name with package.loadlib. Returns the function for this thread, and why there are no tables
// yet, when nobody was told so before; or nil and what is in the way.
extern "C" __attribute__((visibility("default"))) int nnoe_attach(lua_State* lua) {
  try {
    return nnoe::bridge::attach(lua);
  } catch (...) {
    return 0;
  }
}
