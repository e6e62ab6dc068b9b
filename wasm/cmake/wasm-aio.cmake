# SPDX-License-Identifier: MIT
# CMake's toolchain file for aiocc: cmake -DCMAKE_TOOLCHAIN_FILE=.../wasm/cmake/wasm-aio.cmake
set(CMAKE_SYSTEM_NAME Emscripten)
set(CMAKE_SYSTEM_VERSION 1)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
get_filename_component(_aio_wasm "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(CMAKE_C_COMPILER "${_aio_wasm}/aiocc")
set(CMAKE_CXX_COMPILER "${_aio_wasm}/aiocc++")
set(CMAKE_AR "${_aio_wasm}/aioar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${_aio_wasm}/aioranlib" CACHE FILEPATH "")
# Platform/Emscripten.cmake.
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
# try_run() and tests run programs so.
find_program(_aio_node node REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR "${_aio_node};${_aio_wasm}/../dist/cli/main.js;run;--native;--")
# The libraries of this machine are not for WebAssembly.
set(CMAKE_FIND_ROOT_PATH "${_aio_wasm}" ${CMAKE_FIND_ROOT_PATH})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
