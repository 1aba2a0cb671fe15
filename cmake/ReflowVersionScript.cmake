# Makes the linker's version script from the committed list of symbols. Names that begin with
# reflow_x_ are experimental and stand in a node of their own, which promises nothing.

function(reflow_version_script list map)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
  file(STRINGS "${list}" names REGEX "^reflow_[a-z0-9_]+$")
  set(stable "")
  set(experimental "")
  foreach(name IN LISTS names)
    if(name MATCHES "^reflow_x_")
      string(APPEND experimental "    ${name};\n")
    else()
      string(APPEND stable "    ${name};\n")
    endif()
  endforeach()
  set(text "REFLOW_${reflow_ABI} {\n  global:\n${stable}  local:\n    *;\n};\n")
  if(experimental)
    string(APPEND text "REFLOW_X {\n  global:\n${experimental}};\n")
  endif()
  # Written only when it changes, so that nothing is linked again without need.
  file(CONFIGURE OUTPUT "${map}" CONTENT "${text}" @ONLY)
endfunction()
