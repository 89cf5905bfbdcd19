# Run by CPack on what each package will hold: compresses manual pages and changelogs, reproducibly.
function(compress)
  execute_process(COMMAND ${CPACK_FAIRLEAD_GZIP} -9nf ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

string(TIMESTAMP day "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
foreach(folder server:fairlead-server client:fairlead dev:libfairlead-dev)
  string(REGEX MATCH "(.*):(.*)" unused ${folder})
  set(tree ${CPACK_TEMPORARY_DIRECTORY}/${CMAKE_MATCH_1}/usr/share)
  set(doc ${tree}/doc/${CMAKE_MATCH_2})
  if(NOT EXISTS ${doc})
    message(FATAL_ERROR "the package ${CMAKE_MATCH_2} has no ${doc}")
  endif()
  file(GLOB pages ${tree}/man/man*/*.[158])
  configure_file(${CPACK_FAIRLEAD_CHANGELOG} ${doc}/changelog COPYONLY)
  file(WRITE ${doc}/changelog.Debian "fairlead (${version}) unstable; urgency=medium

  * Packages of Fairlead's own; changelog.gz says what is new.

 -- ${CPACK_PACKAGE_CONTACT}  ${day}
")
  compress(${pages} ${doc}/changelog ${doc}/changelog.Debian)
endforeach()
