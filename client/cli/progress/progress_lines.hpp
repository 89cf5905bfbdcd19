// Progress where nothing can be drawn over: a line now and then, and one for each file.
#pragma once

#include <string>

#include "client/cli/output.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "client/fetch/progress.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

class ProgressLines final : public ProgressView {
 public:
  // Seldom enough for a log, often enough to know that it goes on.
  static constexpr Duration kEvery{10'000};

  ProgressLines(Output& err, Encoding encoding) : err_(err), encoding_(encoding) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void file_ended(const FetchedFile& file, TimePoint now) override;
  void say(std::string_view line) override;
  void end() override {}

 private:
  Output& err_;
  Encoding encoding_;
  FetchMeter meter_;
  TimePoint next_ = kNever;
};

}  // namespace fairlead
