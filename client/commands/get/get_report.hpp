// The messages and the exit code of `fairlead get`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress/progress_view.hpp"
#include "client/commands/get/get_settings.hpp"
#include "client/fetch/file_fetch.hpp"
#include "client/fetch/target_folder.hpp"

namespace fairlead {

// Used on one thread. Once for each file: on_done(), on_skipped() or on_failed().
class GetReport {
 public:
  GetReport(const GetSettings& settings, const TerminalLocale& locale);

  void expect_files(std::uint64_t count) { files_ += count; }
  void show(const std::vector<const FetchedFile*>& active, TimePoint now) {
    view_.update(active, files_, now);
  }

  void say(std::string_view remote, std::string_view what);
  void on_skipped(FetchedFile& file, const std::string& why, TimePoint now);
  void on_done(FetchedFile& file, const std::string& stored_as, TimePoint now);
  void on_failed(FetchedFile& file, const CommandResult& outcome, TimePoint now);
  void fail_server(const Failure& failure);
  // Nothing is fetched.
  void fail_all(const CommandResult& outcome) { fail(server_, outcome); }
  void on_not_begun(std::uint64_t files);  // because the server has been lost
  void on_interrupt() { exit_code_ = kExitInterrupted; }

  // Removes the progress display. Returns the exit code of the first failure.
  int end();

 private:
  void on_ended(FetchedFile& file, FetchedFile::State state, std::string note, TimePoint now);
  void fail(std::string_view where, const CommandResult& outcome);

  std::string server_;
  bool is_quiet_;
  Output err_{2};
  ProgressView view_;
  std::uint64_t files_ = 0;
  int exit_code_ = kExitOk;
};

// "HEX  NAME" and a newline, as sha256sum(1) writes and reads it.
std::string sum_line(const Sha256Digest& digest, std::string_view name);

// What the end of a fetch means for the user.
CommandResult result_of(const FetchOutcome& outcome);

// Fetches over plain connections, one name after the other (get_plain.cpp).
void get_plain(const GetSettings& settings, const TargetFolder& folder, GetReport& report,
               Output& out);

}  // namespace fairlead
