# The Debian package: everything that is installed, and what only a system needs: the service, /etc, the guide.
# cmake --build --preset release --target package
install(FILES deploy/aicache.service DESTINATION usr/lib/systemd/system RENAME aicached.service COMPONENT system EXCLUDE_FROM_ALL)
install(FILES config/default.toml DESTINATION etc/aicache RENAME aicache.toml COMPONENT system EXCLUDE_FROM_ALL)
install(FILES deploy/package/aicached.default DESTINATION etc/default RENAME aicached COMPONENT system EXCLUDE_FROM_ALL)
install(FILES deploy/README.md DESTINATION usr/share/doc/aicache RENAME operations.md COMPONENT system EXCLUDE_FROM_ALL)
install(FILES config/README.md DESTINATION usr/share/doc/aicache RENAME settings.md COMPONENT system EXCLUDE_FROM_ALL)
install(FILES deploy/alerts.yml deploy/grafana.json deploy/prometheus.yml DESTINATION usr/share/doc/aicache/monitoring COMPONENT system EXCLUDE_FROM_ALL)
install(PROGRAMS deploy/package/ask-http DESTINATION usr/lib/aicache COMPONENT system EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME aicache)
set(CPACK_PACKAGE_CONTACT "aicache developers <aicache@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "cache for the answers of AI models")
set(CPACK_PACKAGE_DESCRIPTION "Remembers the answers of AI models within a memory budget, lets one caller compute what many ask for, and
shares answers between nodes by way of Redis. Holds the node program, its control, load and replay programs, and the
library and headers for applications of the C++ Actor Framework.")
# The whole of it lies below /usr, and the system's part names its places from the root.
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};${PROJECT_NAME};ALL;/usr;${PROJECT_BINARY_DIR};${PROJECT_NAME};system;/")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# What applications that link the static libraries need besides: the package of CMake names the same.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server, libcaf-dev, libhiredis-dev, libssl-dev, libzstd-dev, zlib1g-dev, libxxhash-dev, libutf8proc-dev, libyaml-cpp-dev, libspdlog-dev")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/deploy/package/conffiles;${PROJECT_SOURCE_DIR}/deploy/package/postinst;${PROJECT_SOURCE_DIR}/deploy/package/prerm;${PROJECT_SOURCE_DIR}/deploy/package/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
