// The progress of a download, and the interface of its views (client/cli/progress).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/time.hpp"

namespace fairlead {

// The state of one file.
struct FetchedFile {
  enum class State : std::uint8_t {
    waiting,   // for its turn
    checking,  // what is here already is being hashed
    fetching,
    retrying,  // its connection was lost, and will be made again
    done,
    skipped,
    failed,
  };

  std::string name = {};      // UTF-8 or any bytes, as requested; escape it to show it
  std::uint64_t size = 0;     // bytes; says something only if `size_known`
  std::uint64_t here = 0;     // bytes of it that are here; falls when some have to come again
  std::uint64_t resumed = 0;  // of them those that an earlier fetch had brought; <= here
  std::string note = {};      // why it is in this state, for a person, in a few words; may be empty
  State state = State::waiting;
  bool size_known = false;
};

// "waiting", "checking", ...
std::string_view name_of(FetchedFile::State state) noexcept;

// All files of a command together, including those that have ended.
struct FetchTotals {
  std::uint64_t files = 0;
  std::uint64_t files_ended = 0;  // done, skipped or failed
  std::uint64_t size = 0;         // bytes; says something only if `size_known`
  std::uint64_t here = 0;
  std::uint64_t resumed = 0;  // <= here
  bool size_known = false;    // that of every file, and there will be no more of them
};

// The longest interval between calls of update() while a file is active: rates and times change
// even if nothing arrives. A view limits how often it draws.
inline constexpr Duration kProgressEvery{100};

// Shows the progress of one command on stderr. Used on one thread, from the first file to end().
class ProgressView {
 public:
  virtual ~ProgressView() = default;

  // The active files, oldest first, and the sum over all. A file keeps its address from its first
  // update to its end.
  virtual void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                      TimePoint now) = 0;

  // Once for each file: done, skipped or failed. say() tells why one failed.
  virtual void on_file_ended(const FetchedFile& file, TimePoint now) = 0;

  // A line for the user, escaped and without its line end; it appears at once and stays.
  virtual void say(std::string_view line) = 0;

  // The last call. Removes what was shown temporarily.
  virtual void end() = 0;
};

}  // namespace fairlead
