// What the command line of `fairlead get` asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/environment.hpp"
#include "client/cli/options.hpp"
#include "client/cli/progress/progress_view.hpp"
#include "client/fetch/file_fetch.hpp"
#include "client/fetch/name_filter.hpp"
#include "client/fetch/part_file.hpp"

namespace fairlead {

struct GetSettings {
  ClientSettings client = {};                 // framed, or text with the boundary `none`
  bool is_plain = false;                      // text
  std::vector<std::string> names = {};        // at the server, UTF-8
  std::vector<std::string> plain_names = {};  // the same as a plain server is sent them
  std::string folder = {};                    // to store in; empty: the current one
  std::string stored_name = {};               // for the only name; empty: its own last component
  bool creates_folder = false;                // and those above it
  bool to_stdout = false;
  bool recursive = false;
  NameFilter filter = {};      // of what is below the names
  bool prints_sha256 = false;  // a line for each file that is stored
  Storing storing = {};
  std::uint64_t bytes_per_second = 0;  // 0: no limit
  Duration silence{30'000};   // a connection on which nothing comes for so long is lost; 0: never
  std::uint32_t jobs = 4;     // framed: files at once, >= 1
  std::uint32_t split = 1;    // framed: connections for each, >= 1
  std::uint32_t retries = 5;  // framed: in a row, of a connection that brings nothing
  FileFetch::Settings file = {};
  bool shutdown = true;  // text: end our side behind the name
  ProgressForm progress = ProgressForm::automatic;
};

program_options::options_description get_options();

// Throws UsageError.
GetSettings get_settings(const ReadOptions& options, const TerminalLocale& locale);

}  // namespace fairlead
