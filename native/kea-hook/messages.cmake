# SPDX-License-Identifier: MPL-2.0
# Compiles Kea's message catalogue format into C++, as kea-msg-compiler does, which Debian 12 does not ship.
#   cmake -DMES=<file>.mes -DOUT=<directory> -P messages.cmake
# Refuses what a catalogue must not have: an id twice, out of order or without a description.
cmake_minimum_required(VERSION 3.20)
get_filename_component(name ${MES} NAME_WE)
file(STRINGS ${MES} lines ENCODING UTF-8)
set(declarations "")
set(definitions "")
set(values "")
set(last "")
set(described TRUE)
foreach(line IN LISTS lines)
  if(line MATCHES "^\\$NAMESPACE +(.+)$")
    set(namespace ${CMAKE_MATCH_1})
  elseif(line MATCHES "^% *([A-Z0-9_]+) +(.+)$")
    set(id ${CMAKE_MATCH_1})
    string(REPLACE "\"" "\\\"" text "${CMAKE_MATCH_2}")
    if(NOT described)
      message(FATAL_ERROR "${MES}: ${last} has no description")
    endif()
    if(NOT last STREQUAL "" AND NOT last STRLESS id)
      message(FATAL_ERROR "${MES}: ${id} comes after ${last}")
    endif()
    set(last ${id})
    set(described FALSE)
    string(APPEND declarations "extern const isc::log::MessageID ${id};\n")
    string(APPEND definitions "extern const isc::log::MessageID ${id} = \"${id}\";\n")
    string(APPEND values "    \"${id}\", \"${text}\",\n")
  elseif(NOT line MATCHES "^#" AND NOT line STREQUAL "")
    set(described TRUE)
  endif()
endforeach()
if(NOT described)
  message(FATAL_ERROR "${MES}: ${last} has no description")
endif()
file(CONFIGURE OUTPUT ${OUT}/${name}.h @ONLY CONTENT "// Made from ${name}.mes; do not edit.
#pragma once
#include <log/message_types.h>
namespace @namespace@ {
@declarations@}
")
file(CONFIGURE OUTPUT ${OUT}/${name}.cc @ONLY CONTENT "// Made from ${name}.mes; do not edit.
#include \"${name}.h\"
#include <log/message_initializer.h>
namespace @namespace@ {
@definitions@}
namespace {
const char* values[] = {
@values@    nullptr};
const isc::log::MessageInitializer initializer(values);
}
")
