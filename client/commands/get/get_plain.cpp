// fairlead get --protocol text: the tutorials' downloads. The name goes out, bytes come in until
// the end of the stream. The size is unknown; only a reset shows that bytes are missing.
#include <memory>
#include <optional>
#include <utility>

#include "client/commands/command_loop.hpp"
#include "client/commands/get/get_listing.hpp"
#include "client/fetch/rate_limit.hpp"
#include "common/base/hex.hpp"
#include "common/hash/sha256.hpp"

namespace fairlead {
namespace {

// One file.
class PlainRun final : public ClientObserver {
 public:
  // `sent`: the name as the server is sent it.
  PlainRun(const GetSettings& settings, GetReport& report, FetchedFile& progress,
           const std::string& sent, FetchTarget& target, Output& out)
      : settings_(settings),
        report_(report),
        progress_(progress),
        sent_(sent),
        target_(target),
        out_(out),
        rate_(settings.bytes_per_second),
        loop_([this] {
          end({kExitInterrupted, ""});
        }),
        refresh_(loop_.shard(), [this] { show_progress(); }),
        client_(loop_.shard(), loop_.network(), settings.client, *this) {}

  // False: Ctrl-C.
  bool run();

 private:
  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;

  void wait_for_more(TimePoint from) {
    client_.set_deadline(deadline_after(from, settings_.silence));
  }
  void end(CommandResult outcome);
  void show_progress();

  const GetSettings& settings_;
  GetReport& report_;
  FetchedFile& progress_;
  const std::string& sent_;
  FetchTarget& target_;
  Output& out_;
  Sha256 hash_;  // of what has come
  RateLimit rate_;
  CommandLoop loop_;
  ShardTimer refresh_;
  Client client_;
  std::optional<CommandResult> outcome_;
};

bool PlainRun::run() {
  loop_.run([this] {
    client_.open();
    show_progress();
  });
  const Sha256Digest digest = hash_.finish();
  if (outcome_->exit_code == kExitOk && settings_.file.sha256 && digest != *settings_.file.sha256) {
    outcome_ = {kExitUnexpectedReply,
                "what came has another SHA-256: " + hex_of(Bytes(digest.data(), digest.size())) +
                    "; it is another file, or was cut short; fetch it again"};
  }
  if (outcome_->exit_code == kExitOk) {
    if (const std::string problem = target_.finish(); !problem.empty())
      outcome_ = {kExitCannotWrite, problem};
  }
  if (outcome_->exit_code != kExitOk) target_.discard();
  if (outcome_->exit_code == kExitInterrupted) {
    report_.on_interrupt();
    return false;
  }
  const TimePoint now = loop_.shard().now();
  if (outcome_->exit_code != kExitOk) {
    report_.on_failed(progress_, *outcome_, now);
    return true;
  }
  progress_.size = progress_.here;
  progress_.size_known = true;
  const std::string stored_as = target_.stored_as();
  if (stored_as.empty()) {
    report_.on_skipped(progress_, "is there already", now);
    return true;
  }
  if (settings_.prints_sha256) out_.write(sum_line(digest, stored_as));
  report_.on_done(progress_, stored_as, now);
  if (settings_.file.sha256) return true;
  report_.say(progress_.name,
              "its size could not be verified: plain servers do not tell how many bytes there are");
  return true;
}

void PlainRun::on_ready(const Destination&) {
  client_.connection()->send(sent_);
  if (settings_.shutdown) client_.connection()->finish_sending();
  wait_for_more(loop_.shard().now());
}

void PlainRun::on_frame(const Frame& frame) {
  std::string problem = progress_.here == 0 ? target_.begin({}) : std::string();
  if (problem.empty()) problem = target_.write(progress_.here, frame.payload);
  if (!problem.empty()) return end({kExitCannotWrite, std::move(problem)});
  hash_.update(frame.payload);
  progress_.here += frame.payload.size();
  const TimePoint until = rate_.take(frame.payload.size(), loop_.shard().now());
  client_.pause_until(until);
  wait_for_more(until);
}

void PlainRun::on_deadline() {
  end({kExitTimeout,
       "nothing came for too long; --timeout says how long, and a server that waits for the end of "
       "the name may want --boundary line"});
}

void PlainRun::end(CommandResult outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
  client_.close();
}

void PlainRun::on_ended(const Failure& failure) {
  if (!outcome_) outcome_ = result_of(failure);
  if (outcome_->exit_code == kExitOk && progress_.here == 0) {
    outcome_ = {
        kExitEmptyReply,
        "nothing came: the file is missing or empty, which plain servers do not tell apart"};
  }
  loop_.end();
}

void PlainRun::show_progress() {
  report_.show({&progress_}, loop_.shard().now());
  refresh_.set(loop_.shard().now() + kProgressEvery);
}

}  // namespace

void get_plain(const GetSettings& settings, const TargetFolder& folder, GetReport& report,
               Output& out) {
  report.expect_files(settings.names.size());
  auto sent = settings.plain_names.begin();
  for (const WantedFile& wanted : named_files(settings)) {
    const std::string& name = *sent++;
    FetchedFile progress{.name = wanted.remote, .state = FetchedFile::State::fetching};
    const auto target = open_target(wanted, settings, folder, out);
    if (!target) {
      report.on_failed(progress, {kExitCannotWrite, target.error().what}, {});
    } else if (!*target) {
      report.on_skipped(progress, "is there already", {});
    } else if (!PlainRun(settings, report, progress, name, **target, out).run()) {
      break;
    }
  }
  if (settings.storing.syncs && !settings.to_stdout) folder.sync();
}

}  // namespace fairlead
