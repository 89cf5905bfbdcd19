// What the command line of `fairlead get` asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/environment.hpp"
#include "client/cli/options.hpp"
#include "client/cli/progress/progress_views.hpp"
#include "client/fetch/fetch_worker.hpp"
#include "client/fetch/part_file.hpp"
#include "client/fetch/plain_fetch.hpp"

namespace fairlead {

struct GetSettings {
  FetchSettings fetch = {};
  PlainFetch::Settings plain = {};
  bool is_plain = false;                      // --protocol text: `plain` counts, else `fetch`
  std::vector<std::string> names = {};        // at the server, UTF-8
  std::vector<std::string> plain_names = {};  // the same as a plain server is sent them
  std::string folder = {};                    // to store in; empty: the current one
  std::string stored_name = {};               // for the only name; empty: its own last component
  bool to_stdout = false;
  bool recursive = false;
  IfExists if_exists = IfExists::fail;
  std::uint64_t bytes_per_second = 0;  // 0: no limit
  ProgressForm progress = ProgressForm::automatic;

  const ClientSettings& client() const noexcept { return is_plain ? plain.client : fetch.client; }
};

program_options::options_description get_options();

// Throws UsageError.
GetSettings get_settings(const ReadOptions& options, const TerminalLocale& locale);

}  // namespace fairlead
