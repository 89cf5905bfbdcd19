// fairlead get -r: what there is to fetch below the names.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "client/commands/get/get_report.hpp"

namespace fairlead {

// A file that is to be fetched, and where it goes.
struct WantedFile {
  std::string remote;                // its name at the server
  std::vector<std::string> folders;  // below the target folder
  std::string name;
};

// The names as they stand: each is a file.
std::deque<WantedFile> named_files(const GetSettings& settings);

// Asks the server; makes the folders, also those without files. What cannot be listed is reported.
std::deque<WantedFile> list_files(const GetSettings& settings, const TargetFolder& folder,
                                  GetReport& report);

}  // namespace fairlead
