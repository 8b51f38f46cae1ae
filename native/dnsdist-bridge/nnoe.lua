-- SPDX-License-Identifier: MPL-2.0
-- Asks NNOE about every query. In dnsdist.conf, before the rules that shall see only what is allowed:
--
--   dofile("/usr/share/nnoe/nnoe.lua")({ directory = "/var/lib/nnoe/tables", fail = "open" })
--
-- A wrong option is an error of the configuration. What may be missing or damaged at any time (the library, the
-- directory, its tables) never is: such a dnsdist starts, warns once, and does what `fail` says to every query. So nothing
-- here may raise an error outside of check(): dnsdist would answer SERVFAIL, then let everything through.

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

-- What each thread of dnsdist runs before its first query, in a Lua of its own. %s: arguments of nnoe_attach.
local on_thread = [[
local attach = package.loadlib(%q, "nnoe_attach")
local query
if attach then query = attach(%s) end
return query or function() return %d end
]]

local function log(text)
  local line = "NNOE: " .. text
  if warnlog then warnlog(line) else io.stderr:write(line, "\n") end
end

-- Whether this process is to answer queries: the console client and --check-config read the configuration too.
local function serves()
  local file = io.open("/proc/self/cmdline", "rb")
  if not file then return true end
  local words = file:read("*a")
  file:close()
  for word in words:gmatch("[^%z]+") do
    for _, other in ipairs({ "^%-%-ch", "^%-%-cl", "^%-%-e", "^%-c", "^%-e" }) do
      if word:find(other) then return false end
    end
  end
  return true
end

local function arguments(options)
  local action = DNSAction
  return string.format("%q, %q, %.17g, %q, %d, %d, %d, %d", options.directory, options.decisions or "",
    options.sampling, options.fail, action.None, action.Drop, action.HeaderModify, action.Pool)
end

-- Loads the library here, in dnsdist's main thread and as the user that dnsdist is started as; a warning when that
-- or what it finds is not as it should be.
local function attach(options)
  local library, why = package.loadlib(options.library, "nnoe_attach")
  if not library then return nil, why end
  if not serves() then return true end
  local query, trouble = loadstring("return (...)(" .. arguments(options) .. ")")(library)
  return query, trouble
end

return function(given)
  local options, wrong = check(given)
  if not options then error("nnoe.lua: " .. wrong, 2) end
  local otherwise = options.fail == "closed" and DNSAction.Refused or DNSAction.None
  local attached, trouble = attach(options)
  if trouble then log(trouble .. ": until it is there, " .. (options.fail == "closed" and "every query is refused" or "every query is let through")) end
  local code = attached and on_thread:format(options.library, arguments(options), otherwise)
    or string.format("return function() return %d end", otherwise)
  addAction(AllRule(), LuaFFIPerThreadAction(code))
end
