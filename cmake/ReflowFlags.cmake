# How reflow is compiled: language, warnings, visibility, build type, sanitizers, ccache.
# Flags that would reach a program which uses reflow by add_subdirectory are set for our own
# targets only.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "gcc ${CMAKE_CXX_COMPILER_VERSION} is too old: reflow needs 12 or later")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
  message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} is too old: reflow needs 15 or later")
endif()

if(PROJECT_IS_TOP_LEVEL)
  get_property(reflow_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT CMAKE_BUILD_TYPE AND NOT reflow_multi_config)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo, Debug or MinSizeRel" FORCE)
  endif()
  # -O2 instead of CMake's -O3: smaller, and no slower here.
  foreach(language C CXX)
    if(CMAKE_${language}_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG")
      set(CMAKE_${language}_FLAGS_RELEASE "-O2 -DNDEBUG")
    endif()
  endforeach()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  find_program(REFLOW_CCACHE ccache)
  mark_as_advanced(REFLOW_CCACHE)
  if(REFLOW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${REFLOW_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${REFLOW_CCACHE}")
  endif()
endif()

set(reflow_warnings -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wundef)
set(reflow_warnings_c -Wstrict-prototypes -Wmissing-prototypes -pedantic)
set(reflow_warnings_cxx -Wold-style-cast -Wnon-virtual-dtor)
if(REFLOW_WERROR)
  list(APPEND reflow_warnings -Werror)
endif()

# Sanitizers apply to everything in the tree, programs included.
set(reflow_sanitize_flags "")
set(reflow_no_undefined LINKER:-z,defs)
if(REFLOW_SANITIZE)
  string(REPLACE "," ";" reflow_sanitizers "${REFLOW_SANITIZE}")
  foreach(sanitizer IN LISTS reflow_sanitizers)
    if(NOT sanitizer MATCHES "^(address|thread|undefined|leak)$")
      message(FATAL_ERROR "REFLOW_SANITIZE: no sanitizer named '${sanitizer}'; "
        "there are address, leak, thread, undefined")
    endif()
  endforeach()
  string(REPLACE ";" "," sanitizers "${reflow_sanitizers}")
  set(reflow_sanitize_flags -fsanitize=${sanitizers} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -g1)
  # gcc warns of values that its own instrumentation hides from it, and of fences, which
  # ThreadSanitizer does not know.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND reflow_sanitize_flags -Wno-maybe-uninitialized -Wno-format-truncation)
    if("thread" IN_LIST reflow_sanitizers)
      list(APPEND reflow_sanitize_flags -Wno-error=tsan)
    endif()
  endif()
  # The sanitizer's own functions come with the program.
  set(reflow_no_undefined "")
endif()

if(REFLOW_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "REFLOW_FUZZ needs clang: set CMAKE_C_COMPILER and CMAKE_CXX_COMPILER")
  endif()
  list(APPEND reflow_sanitize_flags -fsanitize=fuzzer-no-link)
endif()

set(reflow_assertions 0)
if(REFLOW_FUZZ OR REFLOW_ASSERTIONS OR REFLOW_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(reflow_assertions 1)
endif()

set(reflow_hardening_link
  LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:--as-needed LINKER:--gc-sections)

# Relocations of tables of functions take a byte or two this way instead of 24. The loader has to know them
# (glibc 2.36), so only a library without optional parts, which is to be small, has them: packages go to
# older systems too.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LINK_OPTIONS -shared LINKER:-z,pack-relative-relocs)
check_c_source_compiles("
  #include <features.h>
  #if !__GLIBC_PREREQ(2, 36)
  #error older
  #endif
  int one(void) { return 1; }" reflow_packs_relocations)
unset(CMAKE_REQUIRED_LINK_OPTIONS)

# Warnings and sanitizers, for every target of ours.
function(reflow_compile target)
  target_compile_options(${target} PRIVATE ${reflow_warnings}
    "$<$<COMPILE_LANGUAGE:C>:${reflow_warnings_c}>"
    "$<$<COMPILE_LANGUAGE:CXX>:${reflow_warnings_cxx}>"
    ${reflow_sanitize_flags})
endfunction()

# A part of the library: objects that go into the shared and the static one.
function(reflow_internal target assertions)
  reflow_compile(${target})
  target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  target_compile_definitions(${target} PRIVATE REFLOW_ASSERTIONS=${assertions})
  target_include_directories(${target} PRIVATE
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(${target} PRIVATE ${reflow_private_libraries})
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    C_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# Code that runs once for a graph, a file or a row of a report rather than once for a packet: half the
# size is worth more here than the last of its speed. The core has a budget of 1 MiB.
function(reflow_cold sources pattern)
  list(FILTER sources INCLUDE REGEX "/src/(${pattern})")
  set(options -Os)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Lets the smallest of functions be inlined, such as a view of a literal, which is then a constant.
    list(APPEND options --param=max-inline-insns-size=4)
  endif()
  set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS
    "$<$<CONFIG:Release,RelWithDebInfo>:${options}>")
endfunction()

# A program in build/<folder>, which finds the library in build/lib by a relative path, so that the
# build folder can be moved.
function(reflow_program target folder)
  reflow_compile(${target})
  target_link_options(${target} PRIVATE ${reflow_sanitize_flags} ${reflow_hardening_link})
  file(RELATIVE_PATH up "${PROJECT_BINARY_DIR}/${folder}" "${PROJECT_BINARY_DIR}/lib")
  # Named as that of the installation, since CMake would pad it by an empty entry otherwise, which
  # means the working directory.
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}"
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "$ORIGIN/${up}")
endfunction()
