# Installation and packages: header, libraries, pkg-config and CMake files, the command line tool
# with its manual page and completions.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(FILES "${PROJECT_SOURCE_DIR}/include/reflow.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

set(cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/reflow")
if(TARGET reflow_shared)
  install(TARGETS reflow_shared EXPORT reflowTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT reflowTargets NAMESPACE reflow:: FILE reflowTargets.cmake
    DESTINATION "${cmake_dir}")
endif()
if(TARGET reflow_static)
  # A file of its own: whoever uses the shared library needs no headers of what is inside.
  install(TARGETS reflow_static EXPORT reflowStaticTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT reflowStaticTargets NAMESPACE reflow:: FILE reflowStaticTargets.cmake
    DESTINATION "${cmake_dir}")
endif()

# The C++ runtime, which a C program that links the static library has to name itself.
set(reflow_runtime_libraries "")
foreach(library IN LISTS CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
  if(library MATCHES "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi|m)$")
    list(APPEND reflow_runtime_libraries "-l${library}")
  endif()
endforeach()
list(REMOVE_DUPLICATES reflow_runtime_libraries)
list(JOIN reflow_runtime_libraries " " reflow_pc_runtime)
set(reflow_pc_requires "yaml-0.1 ${reflow_msgpack_MODULE_NAME}")
if(REFLOW_WITH_PEER)
  string(APPEND reflow_pc_requires " libuv openssl libzstd")
endif()

# Paths in reflow.pc are relative to it, so that an installation can be moved.
file(RELATIVE_PATH reflow_pc_prefix
  "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" reflow_pc_prefix "${reflow_pc_prefix}")
configure_file(cmake/reflow.pc.in "${PROJECT_BINARY_DIR}/reflow.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/reflow.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

configure_package_config_file(cmake/reflowConfig.cmake.in
  "${PROJECT_BINARY_DIR}/reflowConfig.cmake" INSTALL_DESTINATION "${cmake_dir}"
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/reflowConfigVersion.cmake"
  COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/reflowConfig.cmake"
  "${PROJECT_BINARY_DIR}/reflowConfigVersion.cmake" DESTINATION "${cmake_dir}")

if(TARGET reflow_cli)
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  if(NOT up STREQUAL "../lib")
    set_property(TARGET reflow_cli APPEND PROPERTY INSTALL_RPATH "$ORIGIN/${up}")
  endif()
  install(TARGETS reflow_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  foreach(name IN LISTS reflow_aliases)
    install(FILES "${PROJECT_BINARY_DIR}/bin/${name}" DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endforeach()

  set(manual "${PROJECT_SOURCE_DIR}/docs/man/reflow.1")
  if(EXISTS "${manual}")
    install(FILES "${manual}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  endif()
  # The shells look for a completion under a name that each has chosen for itself.
  function(reflow_completion file folder name)
    if(EXISTS "${PROJECT_SOURCE_DIR}/completions/${file}")
      install(FILES "${PROJECT_SOURCE_DIR}/completions/${file}"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/${folder}" RENAME "${name}")
    endif()
  endfunction()
  reflow_completion(reflow.bash bash-completion/completions reflow)
  reflow_completion(reflow.zsh zsh/site-functions _reflow)
  reflow_completion(reflow.fish fish/vendor_completions.d reflow.fish)
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# `cpack -G DEB` and `cpack -G TGZ` in the build folder.
set(CPACK_PACKAGE_NAME reflow)
set(CPACK_PACKAGE_VENDOR "reflow contributors")
set(CPACK_PACKAGE_CONTACT "reflow contributors <reflow@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
find_program(REFLOW_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(REFLOW_SHLIBDEPS)
if(REFLOW_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
else()
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6, libstdc++6, libyaml-0-2, libmsgpackc2 | libmsgpack-c2")
  if(REFLOW_WITH_PEER)
    string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", libuv1, libssl3, libzstd1")
  endif()
endif()
if(REFLOW_WITH_PEER)
  # Opened when a peer asks a discovery server, so that no tool sees the need of it.
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libcurl4 | libcurl4t64")
endif()
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/packaging/deb/triggers")
include(CPack)
