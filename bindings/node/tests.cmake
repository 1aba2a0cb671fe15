# Tests of the Node package: files of node:test below bindings/node/test, each a test of ctest. In the tree
# they find the package by its own name, with the binaries of the build folder; those of the tier packages install the
# tarball in a clean folder outside the tree and run the same files there, with other versions of Node too.
if(TARGET reflow_node_package AND NOT REFLOW_SANITIZE)
  add_dependencies(reflow_tests reflow_node_package)
  set(folder "${PROJECT_SOURCE_DIR}/bindings/node/test")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.test.mjs" "${folder}/*.test.cjs")
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    reflow_test(node.${name} LABELS quick node TIMEOUT 600
      ENVIRONMENT "REFLOW_NODE_PREBUILD=${PROJECT_BINARY_DIR}/node"
        "REFLOW_NODE_TOOLS=${PROJECT_BINARY_DIR}/node/node_modules"
        "REFLOW_NODE_STAGE=${PROJECT_BINARY_DIR}/node/package"
      COMMAND ${REFLOW_NODE} --expose-gc --test --test-reporter spec "${source}")
  endforeach()
  reflow_test(node.asan_long LABELS packages node TIMEOUT 3600
    COMMAND "${PROJECT_SOURCE_DIR}/scripts/test-node-asan.sh" "${PROJECT_BINARY_DIR}")
  reflow_test(node.installed LABELS packages node TIMEOUT 3600
    COMMAND "${PROJECT_SOURCE_DIR}/scripts/test-node-package.sh" "${PROJECT_BINARY_DIR}")
endif()
