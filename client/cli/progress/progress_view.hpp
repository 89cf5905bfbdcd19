// The progress of a download on stderr: bars, lines, JSON, or nothing (--progress).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/cli/drawn_block.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress/progress_bars.hpp"
#include "client/cli/progress/rate_meter.hpp"
#include "common/base/time.hpp"
#include "common/text/encoding.hpp"

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

// The longest interval between calls of update() while a file is active: rates and times change
// even if nothing arrives.
inline constexpr Duration kProgressEvery{100};

// As the command line names them: auto, bars, lines, json, none.
enum class ProgressForm : std::uint8_t { automatic, bars, lines, json, none };

// Used on one thread, from the first file to end(). No colours.
class ProgressView {
 public:
  // `err` is stderr, which outlives the view; `size` tells that of its terminal. `automatic`: bars
  // on a terminal that can move its cursor, else lines. `none` shows only what is said.
  ProgressView(ProgressForm form, Output& err, Encoding terminal,
               std::function<TerminalSize()> size);

  // The active files, oldest first, and how many the command has. A file keeps its address from its
  // first update to its end. Shows no more than the form has: bars every kProgressEvery, a line
  // every 10 s, or an object a second for each file.
  void update(std::span<const FetchedFile* const> active, std::uint64_t files, TimePoint now);

  // Once for each file that is done, skipped or failed. say() tells why one failed.
  void on_file_ended(const FetchedFile& file, TimePoint now);

  // A line for the user, escaped and without its line end; it appears at once and stays.
  void say(std::string_view line);

  // The last call. Removes the bars.
  void end();

 private:
  struct Metered {
    TimePoint began;
    RateMeter meter;
  };

  void draw_bars(std::span<const FetchedFile* const> active);
  void draw();
  std::string line_of(std::span<const FetchedFile* const> active) const;
  std::string files_text() const;
  std::string json_lines(std::span<const FetchedFile* const> active) const;

  const ProgressForm form_;
  Output& err_;
  const Encoding terminal_;
  DrawnBlock block_;
  std::unordered_map<const FetchedFile*, Metered> active_;
  RateMeter total_rate_;
  FetchedFile total_ = {};  // the sum over all files, as of the last update
  FetchedFile ended_ = {};  // the sum over those that have ended
  std::uint64_t files_ = 0, files_ended_ = 0;
  std::vector<BarLine> bars_;
  std::string above_;  // lines that have not been shown yet
  TimePoint next_ = kNever;
};

}  // namespace fairlead
