# Packages for Debian, by CPack: fairlead-server, fairlead and libfairlead-dev, a component each. The preset `package` configures
# what they are built from; docs/operations.md has the recipe.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fairlead)
set(CPACK_PACKAGE_VENDOR "Fairlead")
# Whoever publishes packages names himself: cpack -D CPACK_PACKAGE_CONTACT=...
set(CPACK_PACKAGE_CONTACT "The Fairlead developers <developers@fairlead.example>")
# Else it would stand above each package's own.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_COMPONENTS_ALL server client dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)

set(CPACK_DEBIAN_PACKAGE_RELEASE 1 CACHE STRING "the revision of the packages")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_SERVER_PACKAGE_NAME fairlead-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_DESCRIPTION "TCP daemon for very many clients at once
fairleadd speaks to plain sockets, to length-prefixed clients and in a framed
protocol of its own, all on one port, in UTF-8 and GBK. Its services answer,
greet, log and send files.")
# procps has the kill of the unit and the pkill of the rotation.
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles, procps")
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS "fairlead, logrotate")

set(CPACK_DEBIAN_CLIENT_PACKAGE_NAME fairlead)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SECTION net)
set(CPACK_DEBIAN_CLIENT_DESCRIPTION "TCP client: conversations, verified downloads, load tests
fairlead talks to fairleadd, or to any other TCP server: it sends messages and
prints replies, fetches files and verifies them, and load-tests a server and
judges whether its own figures can be believed.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libfairlead-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_DESCRIPTION "client library of Fairlead, for C++
A static library with its headers, for programs that talk to fairleadd or to
other TCP servers: reconnecting clients with plain, length-prefixed and framed
protocols. With files for CMake and pkg-config.")
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libexpected-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)

# Configuration files that dpkg asks about before it overwrites what an administrator changed.
file(CONFIGURE OUTPUT packaging/conffiles @ONLY CONTENT "/etc/fairlead/fairleadd.conf\n/etc/logrotate.d/fairlead\n")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/conffiles ${PROJECT_SOURCE_DIR}/config/debian/postinst
    ${PROJECT_SOURCE_DIR}/config/debian/prerm ${PROJECT_SOURCE_DIR}/config/debian/postrm)

# The changelogs, and what policy wants to be compressed.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/config/debian/finish.cmake)
find_program(FAIRLEAD_GZIP gzip)
set(CPACK_FAIRLEAD_GZIP ${FAIRLEAD_GZIP})
set(CPACK_FAIRLEAD_CHANGELOG ${PROJECT_SOURCE_DIR}/CHANGELOG.md)

include(CPack)
