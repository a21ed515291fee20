# What `cmake --install` puts where: programs in bin, headers as they are included ("engine/…") below
# include/aicache, and a CMake package that gives aicache::engine and aicache::client.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# What a CAF application links: the messages, the typed actors and the client.
add_library(aicache_client INTERFACE)
add_library(aicache::client ALIAS aicache_client)
target_link_libraries(aicache_client INTERFACE aicache_actors)
set_target_properties(aicache_client PROPERTIES EXPORT_NAME client)

install(TARGETS aicache_config aicache_engine aicache_messages aicache_actors aicache_client EXPORT aicache-targets)
foreach(program IN ITEMS aicached aicachectl aicache-load aicache-replay)
  if(TARGET ${program})
    install(TARGETS ${program})
  endif()
endforeach()

foreach(layer IN ITEMS config engine messages actors)
  install(DIRECTORY ${layer}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/aicache/${layer}
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*.def" PATTERN "app" EXCLUDE PATTERN "http" EXCLUDE PATTERN "aicache.hpp" EXCLUDE
    # These need Asio, which an application does not.
    REGEX "/actors/redis/(connection|io_thread|stream|subscription)\\.hpp$" EXCLUDE)
endforeach()
install(FILES actors/aicache.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/aicache)
install(FILES "${PROJECT_BINARY_DIR}/generated/config/version.hpp" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/aicache/config)

set(aicache_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/aicache)
install(EXPORT aicache-targets NAMESPACE aicache:: DESTINATION ${aicache_package_dir})
configure_package_config_file(deploy/cmake/aicache-config.cmake.in aicache-config.cmake
  INSTALL_DESTINATION ${aicache_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(aicache-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/aicache-config.cmake" "${PROJECT_BINARY_DIR}/aicache-config-version.cmake"
  deploy/cmake/FindCAF.cmake DESTINATION ${aicache_package_dir})

# Proofs of what is installed. Not under sanitizers: an application has none of their flags.
if(AICACHE_TESTS AND NOT AICACHE_SANITIZE)
  add_subdirectory(tests/package)
  add_subdirectory(tests/architecture)
endif()
