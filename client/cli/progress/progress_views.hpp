// The views of a fetch without bars: lines, JSON, or nothing; and which view is used (--progress).
#pragma once

#include <memory>
#include <string>

#include "client/cli/output.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "client/fetch/progress.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

class ProgressLines final : public ProgressView {
 public:
  // Rare enough for a log, frequent enough to show progress.
  static constexpr Duration kEvery{10'000};

  ProgressLines(Output& err, Encoding encoding) : err_(err), encoding_(encoding) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void on_file_ended(const FetchedFile& file, TimePoint now) override;
  void say(std::string_view line) override;
  void end() override {}

 private:
  Output& err_;
  Encoding encoding_;
  FetchMeter meter_;
  TimePoint next_ = kNever;
};

class ProgressJson final : public ProgressView {
 public:
  static constexpr Duration kEvery{1000};

  explicit ProgressJson(Output& err) : err_(err) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void on_file_ended(const FetchedFile& file, TimePoint now) override;
  void say(std::string_view line) override;
  void end() override {}

 private:
  Output& err_;
  FetchMeter meter_;
  TimePoint next_ = kNever;
};

// As the command line names them: auto, bars, lines, json, none.
enum class ProgressForm : std::uint8_t { automatic, bars, lines, json, none };

// `err` is stderr, which outlives the view. `automatic`: bars on a terminal that can move its
// cursor, else lines. `none` shows only what is said.
std::unique_ptr<ProgressView> make_progress(ProgressForm form, Output& err, Encoding terminal);

}  // namespace fairlead
