# The Node package as a target: tools from npm, the addon (addon.cmake), the command line tool (cli.cmake),
# and all of it as an unpacked package in build/node/package. Left out where there is no Node.
find_program(REFLOW_NODE NAMES node nodejs)
find_program(REFLOW_NPM npm)
mark_as_advanced(REFLOW_NODE REFLOW_NPM)
if(TARGET reflow_node AND TARGET reflow_node_cli AND REFLOW_NODE AND REFLOW_NPM)
  add_custom_target(reflow_node_tools VERBATIM
    COMMAND "${PROJECT_SOURCE_DIR}/scripts/node-tools.sh" "${PROJECT_BINARY_DIR}")
  add_dependencies(reflow_node reflow_node_tools)
  add_custom_target(reflow_node_package VERBATIM
    COMMAND "${PROJECT_SOURCE_DIR}/scripts/package-node.sh" "${PROJECT_BINARY_DIR}" stage)
  add_dependencies(reflow_node_package reflow_shared reflow_node reflow_node_cli)
endif()
