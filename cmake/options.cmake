# SPDX-License-Identifier: MPL-2.0
# What every native target shares. Call nnoe_target(<name>) on each; nnoe_test(<name> <sources>) for a test.
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# One optimisation level, whoever drives: cmake-js asks for Release. Assertions stay in builds with sanitizers.
foreach(type RELEASE RELWITHDEBINFO)
  set(CMAKE_CXX_FLAGS_${type} "-O2 -g")
  set(CMAKE_C_FLAGS_${type} "-O2 -g")
endforeach()
if(NOT NNOE_SANITIZE)
  add_compile_definitions(NDEBUG)
endif()

if(NNOE_FUZZ)
  if(NOT NNOE_SANITIZE)
    set(NNOE_SANITIZE address,undefined)
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# The one fence orders reads against another process, which the sanitizer does not see anyway.
if(NNOE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Wno-tsan)
endif()

# Debian's, for its packages (tools/native.sh); counts of instructions are of a build without.
set(NNOE_HARDENING "$ENV{NNOE_HARDENING}" CACHE STRING "Further flags of the compiler" FORCE)
separate_arguments(hardening NATIVE_COMMAND "${NNOE_HARDENING}")
add_compile_options(${hardening})

# Tables of addresses are filled at the start and read-only from then on.
add_link_options(-Wl,-z,relro -Wl,-z,now)

find_package(Threads REQUIRED)

function(nnoe_target name)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion)
  set_target_properties(${name} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(NNOE_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${NNOE_SANITIZE} -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
    target_link_options(${name} PRIVATE -fsanitize=${NNOE_SANITIZE})
  endif()
endfunction()

# An executable under build/test/, run by ctest.
function(nnoe_test name)
  add_executable(${name} ${ARGN})
  nnoe_target(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# The same with doctest, if that is installed.
find_path(NNOE_DOCTEST_INCLUDE doctest/doctest.h)
function(nnoe_doctest name library)
  if(NNOE_TESTS AND NNOE_DOCTEST_INCLUDE)
    nnoe_test(${name} ${CMAKE_SOURCE_DIR}/native/shm/test/main.cc ${ARGN})
    target_include_directories(${name} SYSTEM PRIVATE ${NNOE_DOCTEST_INCLUDE})
    target_link_libraries(${name} PRIVATE ${library})
  endif()
endfunction()

# A fuzzer's function, <name>.cc (and more sources): over generated cases as the test <name>_cases, and with NNOE_FUZZ under libFuzzer.
function(nnoe_fuzzed name library)
  if(NNOE_TESTS)
    nnoe_test(${name}_cases ${name}_cases.cc ${name}.cc ${ARGN})
    target_link_libraries(${name}_cases PRIVATE ${library})
  endif()
  if(NNOE_FUZZ)
    add_executable(${name} ${name}.cc ${ARGN})
    nnoe_target(${name})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    target_link_libraries(${name} PRIVATE ${library})
  endif()
endfunction()

# An executable under build/test/ that tests drive.
function(nnoe_test_tool name)
  if(NNOE_TESTS)
    add_executable(${name} ${ARGN})
    nnoe_target(${name})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
    target_link_libraries(${name} PRIVATE nnoe_shm)
  endif()
endfunction()
