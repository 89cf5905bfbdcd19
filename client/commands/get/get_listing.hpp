// The files of `fairlead get`: the names as they are given, or with -r what is below them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/commands/get/get_report.hpp"

namespace fairlead {

// A file to fetch, and its target.
struct WantedFile {
  std::string remote;                // its name at the server
  std::vector<std::string> folders;  // below the target folder
  std::string name;
  std::uint64_t size = 0;  // as it is listed; 0: not known
  bool is_stale = false;   // update: it was compared, and is another version than the server's
};

// The names as given: each is a file.
std::deque<WantedFile> named_files(const GetSettings& settings);

// Where the file is stored, or what it is compared with; null: it is there already, and is skipped.
Result<std::unique_ptr<FetchTarget>> open_target(const WantedFile& wanted,
                                                 const GetSettings& settings,
                                                 const TargetFolder& folder, Output& out);

// Lists the files at the server, and creates the folders, even empty ones. Reports failures, and
// that the disk has no room for all of them: then it returns none.
std::deque<WantedFile> list_files(const GetSettings& settings, const TargetFolder& folder,
                                  GetReport& report);

}  // namespace fairlead
