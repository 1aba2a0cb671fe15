# The addon of the Node package: Node-API through node-addon-api, both headers from npm below
# build/node/node_modules (scripts/node-tools.sh). build/node/reflow.node finds the engine beside it:
# in lib/ in a package, in build/lib in the tree. Not part of `all`: nobody needs Node to build reflow.
if(TARGET reflow_shared)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bindings/node/src/*.cc")
  add_library(reflow_node MODULE EXCLUDE_FROM_ALL ${sources})
  reflow_compile(reflow_node)
  target_compile_definitions(reflow_node PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS
    NODE_ADDON_API_DISABLE_DEPRECATED NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
  target_include_directories(reflow_node PRIVATE "${PROJECT_SOURCE_DIR}/include")
  # As system headers: their warnings are not ours.
  target_include_directories(reflow_node SYSTEM PRIVATE
    "${PROJECT_BINARY_DIR}/node/node_modules/node-addon-api"
    "${PROJECT_BINARY_DIR}/node/node_modules/node-api-headers/include")
  target_link_libraries(reflow_node PRIVATE reflow_shared Threads::Threads)
  target_link_options(reflow_node PRIVATE ${reflow_sanitize_flags} ${reflow_hardening_link}
    LINKER:--disable-new-dtags)
  set_target_properties(reflow_node PROPERTIES
    OUTPUT_NAME reflow
    PREFIX ""
    SUFFIX ".node"
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/node"
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "$ORIGIN/lib:$ORIGIN/../lib")
endif()
