-- SPDX-License-Identifier: MPL-2.0
-- Asks NNOE about every query. In dnsdist.conf, before the rules that shall see only what is allowed:
--
--   dofile("/usr/share/nnoe/nnoe.lua")({ directory = "/var/lib/nnoe/tables", fail = "open" })
--
-- A wrong option is an error of the configuration. What may be missing or damaged at any time (the library, the
-- directory, its tables) never is: such a dnsdist starts, warns once, and does what `fail` says to every query. So
-- nothing here raises an error on a thread that answers: dnsdist would say SERVFAIL once, then let everything through.
--
-- Where dnsdist is configured by YAML there are no rules to be added from Lua: see README.md.

local function absolute(value) return type(value) == "string" and value:sub(1, 1) == "/" end

-- Name, default, what is expected, whether a value is that.
local known = {
  { "directory", "/var/lib/nnoe/tables", "an absolute path", absolute },
  { "decisions", "/run/nnoe/decisions", "an absolute path, or false for none",
    function(value) return value == false or absolute(value) end },
  { "sampling", 1, "a number from 0 to 1, the share of decisions that are recorded",
    function(value) return type(value) == "number" and value >= 0 and value <= 1 end },
  { "fail", nil, '"open" or "closed", for queries while there are no tables',
    function(value) return value == "open" or value == "closed" end },
  { "library", "/usr/lib/nnoe/libnnoe_dnsdist.so", "an absolute path", absolute },
}

local function shown(value) return type(value) == "string" and string.format("%q", value) or tostring(value) end

-- A table with every option, or nil and what is wrong.
local function check(given)
  if type(given) ~= "table" then
    return nil, "found " .. shown(given) .. ", expected a table of options, such as { fail = \"open\" }"
  end
  local options, names = {}, {}
  for _, row in ipairs(known) do
    local name, default, expected, fits = row[1], row[2], row[3], row[4]
    local value = given[name]
    if value == nil then value = default end
    if not fits(value) then
      local found = value == nil and "nothing" or shown(value)
      return nil, "option " .. name .. ": found " .. found .. ", expected " .. expected
    end
    options[name] = value
    names[#names + 1] = name
  end
  for name in pairs(given) do
    if options[name] == nil then
      return nil, "option " .. tostring(name) .. ": found, but there are only " .. table.concat(names, ", ")
    end
  end
  return options
end

-- dnsdist calls these two in its main thread only, where the configuration is read.
local configuring = inConfigCheck ~= nil
local only_reading = configuring and (inConfigCheck() or inClientStartup())

local function log(text)
  local line = "NNOE: " .. text
  if warnlog then warnlog(line) else io.stderr:write(line, "\n") end
end

local function consequence(fail)
  return fail == "open" and "every query is let through" or "every query is refused"
end

local function constant(fail)
  return fail == "open" and DNSAction.None or DNSAction.Refused
end

-- What nnoe_attach is called with, as Lua. Last: whether that Lua is a thread's own, made for this action alone.
local function arguments(options, own)
  local action = DNSAction
  return string.format("%q, %q, %.17g, %q, %d, %d, %d, %d, %s", options.directory, options.decisions or "",
    options.sampling, options.fail, action.None, action.Drop, action.HeaderModify, action.Pool, tostring(own))
end

-- Loads the library, and with it, the first time in a process, the tables: as the user that dnsdist is started as,
-- before there are queries. Returns a function to be called with every query, or nil when there is no library; warns.
local function attach(options)
  local entry, why = package.loadlib(options.library, "nnoe_attach")
  if not entry then
    log(why .. "; " .. consequence(options.fail) .. " until dnsdist is started with it")
    return nil
  end
  local nothing = function() return constant(options.fail) end
  if only_reading then return nothing end
  local query, trouble = loadstring("return (...)(" .. arguments(options, not configuring) .. ")")(entry)
  if trouble then log(trouble .. "; " .. consequence(options.fail) .. " until that is mended") end
  return query or nothing
end

-- What each thread of dnsdist runs before its first query, in a Lua of its own, where nothing of this file is left.
-- dnsdist leaves 48 bytes of garbage in it with every query (lua_memory.h). Collecting at ten times what lives there
-- (75 KiB) instead of at twice saves some 90 instructions a query.
local on_thread = [[
collectgarbage("setpause", 1000)
local entry = package.loadlib(%q, "nnoe_attach")
local query = entry and entry(%s)
return query or function() return %d end
]]

local function add(options)
  local attached = attach(options)
  local otherwise = constant(options.fail)
  local code = attached and on_thread:format(options.library, arguments(options, true), otherwise)
    or string.format("return function() return %d end", otherwise)
  addAction(AllRule(), LuaFFIPerThreadAction(code))
end

-- On a thread that answers: whatever is wrong is told, and `fail` holds, "closed" when it is not known.
local function for_thread(given)
  local options, wrong = check(given)
  if options then
    collectgarbage("setpause", 1000)
    local query = attach(options)
    if query then return query end
  else
    options = { fail = type(given) == "table" and given.fail or "closed" }
    log("nnoe.lua: " .. wrong .. "; " .. consequence(options.fail))
  end
  return function() return constant(options.fail) end
end

return function(given)
  if not configuring then return for_thread(given) end
  local options, wrong = check(given)
  if not options then error("nnoe.lua: " .. wrong, 2) end
  if addAction then add(options) else attach(options) end
end
