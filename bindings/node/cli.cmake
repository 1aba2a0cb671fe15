# The command line tool for the package: the same objects, linked so that everything is found from the
# place of the program, in a package and in the tree. DT_RPATH, unlike DT_RUNPATH, also counts for what
# libreflow itself needs.
if(TARGET reflow_cli)
  add_executable(reflow_node_cli EXCLUDE_FROM_ALL $<TARGET_OBJECTS:reflow_cli>)
  add_dependencies(reflow_node_cli reflow_cli)
  target_link_libraries(reflow_node_cli PRIVATE reflow_shared Threads::Threads)
  target_link_options(reflow_node_cli PRIVATE ${reflow_sanitize_flags} ${reflow_hardening_link}
    LINKER:--disable-new-dtags)
  set_target_properties(reflow_node_cli PROPERTIES
    OUTPUT_NAME reflow
    LINKER_LANGUAGE CXX
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/node/bin"
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "$ORIGIN/../lib:$ORIGIN/../../lib")
endif()
