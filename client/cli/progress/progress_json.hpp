// Progress for programs: an object a line (docs/client.md, Progress).
#pragma once

#include "client/cli/output.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "client/fetch/progress.hpp"

namespace fairlead {

class ProgressJson final : public ProgressView {
 public:
  static constexpr Duration kEvery{1000};

  explicit ProgressJson(Output& err) : err_(err) {}

  void update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
              TimePoint now) override;
  void file_ended(const FetchedFile& file, TimePoint now) override;
  void say(std::string_view line) override;
  void end() override {}

 private:
  Output& err_;
  FetchMeter meter_;
  TimePoint next_ = kNever;
};

}  // namespace fairlead
