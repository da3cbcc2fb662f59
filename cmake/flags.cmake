# Compiler and linker flags. The hardening set is what g++ 12 accepts; `release` carries all of it.
set(DASHBOARD_SANITIZE "" CACHE STRING "Sanitizers, e.g. address;undefined or thread")
option(DASHBOARD_HARDEN "Build with the release hardening flags" OFF)
option(DASHBOARD_WERROR "Warnings are errors" ON)

add_library(dashboard_flags INTERFACE)
target_compile_options(dashboard_flags INTERFACE
  -Wall -Wextra -Wformat=2 -Werror=format-security -Wconversion -Wimplicit-fallthrough -Wshadow=local
  -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(dashboard_flags INTERFACE -Wtrampolines -Wbidi-chars=any
    # g++ 12 reports these two falsely inside libstdc++'s strings and coroutine frames at -O2.
    -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(DASHBOARD_WERROR)
  target_compile_options(dashboard_flags INTERFACE -Werror)
endif()
if(DASHBOARD_SANITIZE)
  string(REPLACE ";" "," sanitizers "${DASHBOARD_SANITIZE}")
  target_compile_options(dashboard_flags INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer)
  target_link_options(dashboard_flags INTERFACE -fsanitize=${sanitizers})
  # The control-flow-protection notes of g++ do not go with the sanitizers' own libraries.
  target_compile_definitions(dashboard_flags INTERFACE DASHBOARD_SANITIZED=1)
endif()
if(DASHBOARD_HARDEN)
  target_compile_options(dashboard_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-clash-protection
    -fstack-protector-strong -fcf-protection=full -ftrivial-auto-var-init=zero
    -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
    # With inlining, g++ 12 takes the frames of Asio's coroutines for mismatched: they have an operator new and delete of their own.
    -Wno-mismatched-new-delete)
  target_link_options(dashboard_flags INTERFACE
    -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,nodlopen,-z,separate-code -Wl,--as-needed)
endif()

# Quick links where mold is there; the figures of bench/ do not depend on the linker.
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Units with Beast take over 1 GB each to compile: at most one at a time.
set_property(GLOBAL APPEND PROPERTY JOB_POOLS heavy=1)
