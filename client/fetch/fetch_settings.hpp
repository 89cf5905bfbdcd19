// How files are fetched, whatever they are.
#pragma once

#include <cstdint>
#include <string>

#include "client/api/client.hpp"
#include "client/fetch/file_fetch.hpp"

namespace fairlead {

struct FetchSettings {
  ClientSettings client = {};  // framed; reconnecting is the fetch's own
  std::string service = "file";
  std::uint32_t jobs = 4;     // files at once, >= 1
  std::uint32_t split = 1;    // connections for each, >= 1
  std::uint32_t retries = 5;  // in a row, of a connection that brings nothing
  Duration silence{30'000};   // a connection on which nothing comes for so long is lost; 0: never
  FileFetch::Settings file = {};
};

}  // namespace fairlead
