# room(NAME SOURCES ... TESTS ... ROOMS ... LIBS ...): one folder of server/, one static library, one unit test program.
#   ROOMS are the rooms it links (their order and the includes are checked against server/layers.txt by a test);
#   LIBS are outside libraries. The test program is NAME_test and runs under CTest as unit.NAME.
function(room NAME)
  cmake_parse_arguments(R "" "" "SOURCES;HEAVY;TESTS;ROOMS;LIBS" ${ARGN})
  add_library(room_${NAME} STATIC ${R_SOURCES} ${R_HEAVY})
  target_include_directories(room_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/server)
  target_link_libraries(room_${NAME} PUBLIC ${R_LIBS} PRIVATE dashboard_flags)
  foreach(other ${R_ROOMS})
    target_link_libraries(room_${NAME} PUBLIC room_${other})
  endforeach()
  if(R_HEAVY)
    # A library of their own for the units that need over 1 GB to compile, so that only they wait for each other.
    set_property(TARGET room_${NAME} PROPERTY JOB_POOL_COMPILE heavy)
  endif()
  if(BUILD_TESTING AND R_TESTS)
    add_executable(${NAME}_test ${R_TESTS})
    target_link_libraries(${NAME}_test PRIVATE room_${NAME} dashboard_flags GTest::gmock GTest::gtest_main)
    add_test(NAME unit.${NAME} COMMAND ${NAME}_test)
    set_tests_properties(unit.${NAME} PROPERTIES TIMEOUT 300 LABELS unit
      ENVIRONMENT "TEST_DATA=$ENV{TEST_DATA};DASHBOARD_BUILD=${PROJECT_BINARY_DIR};DASHBOARD_SOURCE=${PROJECT_SOURCE_DIR}")
  endif()
endfunction()
