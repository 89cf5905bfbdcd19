// What a fetch tells about itself while it runs, and the interface of those who show it
// (client/progress).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/time.hpp"

namespace fairlead {

// One file that is to be fetched, as it is just now.
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

  std::string name = {};   // UTF-8 or any bytes, as it was asked for; whoever shows it escapes it
  std::uint64_t size = 0;  // bytes; says something only if `size_known`
  std::uint64_t here = 0;  // bytes of it that are here; falls when some have to come again
  std::uint64_t resumed = 0;  // of them those that an earlier fetch had brought; <= here
  std::string note = {};      // why it is in this state, for a person, in a few words; may be empty
  State state = State::waiting;
  bool size_known = false;
};

// "waiting", "checking", ...
std::string_view name_of(FetchedFile::State state) noexcept;

// All files of a command together, those that have ended, too.
struct FetchTotals {
  std::uint64_t files = 0;
  std::uint64_t files_ended = 0;  // done, skipped or failed
  std::uint64_t size = 0;         // bytes; says something only if `size_known`
  std::uint64_t here = 0;
  std::uint64_t resumed = 0;  // <= here
  bool size_known = false;    // that of every file, and there will be no more of them
};

// How often update() is to be called at least while a file is active: rates and times change
// although nothing happens. Called more often, a view shows no more than is good to look at.
inline constexpr Duration kProgressEvery{100};

// Shows the progress of one command on stderr. Used on one thread, from the first file to end().
class ProgressView {
 public:
  virtual ~ProgressView() = default;

  // The files that have begun and not ended, oldest first, and the sum. A file keeps its address
  // from its first update to its end.
  virtual void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                      TimePoint now) = 0;

  // Once for each file: it is done, skipped or failed. Why one failed is for say().
  virtual void file_ended(const FetchedFile& file, TimePoint now) = 0;

  // A line for the user, escaped and without its line end; it appears at once and stays.
  virtual void say(std::string_view line) = 0;

  // The last call: what was shown only for the moment disappears.
  virtual void end() = 0;
};

}  // namespace fairlead
