# Everything the server links that is not ours. Versions are Debian 12's, except SQLite (see docs/decisions).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(simdjson REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(date REQUIRED)
find_package(CURL REQUIRED)  # its headers: the library is loaded when something is sent (server/notify/curl_library.hpp)

add_library(dashboard_asio INTERFACE)
target_link_libraries(dashboard_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(dashboard_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

# SQLite from the amalgamation that the pinned npm package better-sqlite3 carries: Debian's 3.40.1 has the WAL-reset bug.
set(sqlite_dir ${PROJECT_SOURCE_DIR}/node_modules/better-sqlite3/deps/sqlite3)
if(NOT EXISTS ${sqlite_dir}/sqlite3.c)
  message(FATAL_ERROR "SQLite's source is not there (${sqlite_dir}): run `npm ci` first, or use ./dev build, which does.")
endif()
add_library(dashboard_sqlite STATIC ${sqlite_dir}/sqlite3.c)
target_include_directories(dashboard_sqlite SYSTEM PUBLIC ${sqlite_dir})
target_compile_options(dashboard_sqlite PRIVATE -O2 -w)
target_compile_definitions(dashboard_sqlite PRIVATE
  SQLITE_THREADSAFE=2 SQLITE_ENABLE_FTS5 SQLITE_DQS=0 SQLITE_OMIT_LOAD_EXTENSION SQLITE_OMIT_DEPRECATED
  SQLITE_OMIT_SHARED_CACHE SQLITE_DEFAULT_FOREIGN_KEYS=1 SQLITE_LIKE_DOESNT_MATCH_BLOBS
  SQLITE_MAX_EXPR_DEPTH=0 SQLITE_USE_ALLOCA SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_TRUSTED_SCHEMA=0)
target_link_libraries(dashboard_sqlite PRIVATE Threads::Threads m)

if(BUILD_TESTING)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark QUIET)
