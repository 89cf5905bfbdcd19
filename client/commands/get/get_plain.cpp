// fairlead get --protocol text: the tutorials' downloads, where only a reset tells that bytes are
// missing.
#include <memory>
#include <utility>

#include "client/commands/command_loop.hpp"
#include "client/commands/get/get_report.hpp"
#include "client/commands/get/stream_target.hpp"
#include "client/fetch/file_names.hpp"
#include "client/fetch/plain_fetch.hpp"

namespace fairlead {
namespace {

CommandResult result_of_plain(const PlainOutcome& plain) {
  if (!plain.problem.empty()) return {kExitCannotWrite, plain.problem};
  if (plain.timed_out) {
    return {kExitTimeout,
            "nothing came for too long; --timeout says how long, and a server that waits for the "
            "end of the name may want --boundary line"};
  }
  if (plain.failure.kind != FailureKind::none) return result_of(plain.failure);
  if (plain.bytes == 0) {
    return {kExitEmptyReply,
            "nothing came: the file is missing or empty, which plain servers do not tell apart"};
  }
  return {};
}

class PlainRun {
 public:
  PlainRun(const GetSettings& settings, GetReport& report)
      : settings_(settings),
        report_(report),
        rate_(settings.bytes_per_second),
        loop_([this] { interrupt(); }),
        refresh_(loop_.shard(), [this] { show_progress(); }) {}

  // False: Ctrl-C.
  bool fetch(const std::string& name, std::string sent, FetchTarget& target) {
    progress_ = {.name = name, .state = FetchedFile::State::fetching};
    fetch_ = std::make_unique<PlainFetch>(loop_.shard(), loop_.network(), settings_.plain,
                                          std::move(sent), target, rate_,
                                          [this](const PlainOutcome& outcome) {
                                            outcome_ = outcome;
                                            loop_.end();
                                          });
    loop_.run([this] {
      fetch_->begin();
      show_progress();
    });
    end(target);
    return !interrupted_;
  }

 private:
  void end(FetchTarget& target);
  void show_progress();
  void interrupt();

  const GetSettings& settings_;
  GetReport& report_;
  RateLimit rate_;
  CommandLoop loop_;
  ShardTimer refresh_;
  std::unique_ptr<PlainFetch> fetch_;
  FetchedFile progress_;
  PlainOutcome outcome_;
  bool interrupted_ = false;
};

void PlainRun::end(FetchTarget& target) {
  const TimePoint now = loop_.shard().now();
  if (interrupted_) {
    target.discard();
    return report_.on_interrupt();
  }
  CommandResult outcome = result_of_plain(outcome_);
  if (outcome.exit_code == kExitOk) {
    if (const std::string problem = target.finish(); !problem.empty())
      outcome = {kExitCannotWrite, problem};
  }
  if (outcome.exit_code != kExitOk) {
    target.discard();
    return report_.on_failed(progress_, outcome, now);
  }
  progress_.here = progress_.size = outcome_.bytes;
  progress_.size_known = true;
  const auto* file = dynamic_cast<const PartFile*>(&target);
  report_.on_done(progress_, file != nullptr ? file->stored_as() : "stdout", now);
  report_.say(progress_.name,
              "its size could not be verified: plain servers do not tell how many bytes there are");
}

void PlainRun::show_progress() {
  progress_.here = fetch_->bytes();
  report_.show({&progress_}, loop_.shard().now());
  refresh_.set(loop_.shard().now() + kProgressEvery);
}

void PlainRun::interrupt() {
  interrupted_ = true;
  fetch_->stop();
}

}  // namespace

void get_plain(const GetSettings& settings, const TargetFolder& folder, GetReport& report,
               Output& out) {
  report.expect_files(settings.names.size());
  for (std::size_t i = 0; i < settings.names.size(); ++i) {
    const std::string& name = settings.names[i];
    std::unique_ptr<FetchTarget> target;
    if (settings.to_stdout) {
      target = std::make_unique<StreamTarget>(out, StreamTarget::Release::at_once);
    } else {
      auto file = open_part(
          folder, {},
          settings.stored_name.empty() ? components_of(name).back() : settings.stored_name,
          settings.if_exists);
      FetchedFile progress{.name = name};
      if (!file) report.on_failed(progress, {kExitCannotWrite, file.error().what}, {});
      if (file && !*file) report.on_skipped(progress, {});
      if (!file || !*file) continue;
      target = *std::move(file);
    }
    if (!PlainRun(settings, report).fetch(name, settings.plain_names[i], *target)) return;
  }
}

}  // namespace fairlead
