// fairlead ping: does a server answer, and how fast? A connection alone is no answer: a kernel
// makes it for a server that is stopped, full, or denies this client.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "common/base/descriptor.hpp"
#include "common/config/units.hpp"
#include "common/text/decimals.hpp"

namespace fairlead {
namespace {

namespace po = program_options;
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

// ping has exit codes of its own, those of pg_isready.
enum PingCode : int { kAccepting = 0, kRefusing = 1, kNoAnswer = 2, kNotTried = 3 };

struct PingSettings {
  ClientSettings client;
  std::uint64_t count = 1;  // 0: until Ctrl-C
  Duration interval{1000};
  bool connects_only = false;  // --protocol tcp
};

std::string milliseconds(Microseconds time) {
  return with_decimals(time.count() / 1000, 3) + " ms";
}

PingCode code_of(const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::name_not_resolved:
      return kNotTried;
    case FailureKind::refused:
    case FailureKind::turned_away:
    case FailureKind::reset:
    case FailureKind::none:  // it ended the connection instead of answering
      return kRefusing;
    default:
      return kNoAnswer;
  }
}

// Connects once and sends PINGs; with --protocol tcp it connects for each try.
class PingRun final : public ClientObserver {
 public:
  PingRun(const PingSettings& settings, Output& out)
      : settings_(settings),
        where_(settings.client.server.text()),
        out_(out),
        loop_([this] { interrupt(); }),
        next_(loop_.shard(), [this] { try_once(); }) {}

  int run() {
    loop_.run([this] { try_once(); });
    if (settings_.count != 1 && tried_ > 0) print_summary();
    if (!out_.error().empty()) {
      return report(where_, {kExitCannotWrite, "cannot write the result: " + out_.error()});
    }
    if (interrupted_) return kExitInterrupted;
    return times_.empty() ? last_code_ : kAccepting;
  }

 private:
  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;

  void try_once();
  void send_ping();
  void on_answer(const std::string& how);
  void next_try();
  void print_summary();
  void interrupt();

  const PingSettings& settings_;
  std::string where_;
  Output& out_;
  CommandLoop loop_;
  ShardTimer next_;
  std::unique_ptr<Client> client_;
  Destination destination_;
  Clock::time_point began_;
  std::vector<Microseconds> times_;
  std::uint64_t tried_ = 0;
  int last_code_ = kNotTried;
  bool answered_ = false;  // the try that is running
  bool interrupted_ = false;
};

void PingRun::try_once() {
  ++tried_;
  answered_ = false;
  if (client_) return send_ping();
  client_ = std::make_unique<Client>(loop_.shard(), loop_.network(), settings_.client, *this);
  began_ = Clock::now();
  client_->open();
}

void PingRun::on_ready(const Destination& destination) {
  destination_ = destination;
  if (!settings_.connects_only) return send_ping();
  on_answer("connects in ");
  client_->close();
}

void PingRun::send_ping() {
  began_ = Clock::now();
  client_->set_deadline(deadline_after(loop_.shard().now(), settings_.client.dial.timeout));
  client_->connection()->ping(std::to_string(tried_));
}

void PingRun::on_frame(const Frame& frame) {
  if (answered_ || frame.type != FrameType::pong || frame.payload != std::to_string(tried_)) return;
  client_->set_deadline(kNever);
  on_answer("accepting, pong in ");
  next_try();
}

void PingRun::on_answer(const std::string& how) {
  const Microseconds time = Clock::now() - began_;
  answered_ = true;
  last_code_ = kAccepting;
  times_.push_back(time);
  out_.write(destination_.text() + ": " + how + milliseconds(time) + "\n");
}

void PingRun::on_deadline() {
  client_->connection()->close({.kind = FailureKind::connect_timeout, .what = "no PONG came"});
}

void PingRun::on_ended(const Failure& failure) {
  if (!answered_ && !interrupted_) {
    last_code_ = code_of(failure);
    CommandResult outcome = result_of(failure);
    if (failure.kind == FailureKind::none)
      outcome.line =
          "the server ended the connection; it may be stopping, full, or deny this client";
    if (failure.kind == FailureKind::bad_protocol) {
      outcome.line =
          "the answer is not of Fairlead's framed protocol; --protocol tcp tells whether it "
          "connects, and `fairlead send` talks to it";
    }
    report(where_, outcome);
  }
  client_.reset();
  next_try();
}

void PingRun::next_try() {
  const bool enough =
      interrupted_ || !out_.error().empty() || (settings_.count != 0 && tried_ >= settings_.count);
  if (!enough) return next_.set(loop_.shard().now() + settings_.interval);
  if (client_) return client_->close();  // on_ended comes back here
  loop_.end();
}

void PingRun::interrupt() {
  interrupted_ = true;
  next_.cancel();
  next_try();
}

void PingRun::print_summary() {
  std::string line =
      std::to_string(tried_) + " tried, " + std::to_string(times_.size()) + " answered";
  if (!times_.empty()) {
    const auto [min, max] = std::minmax_element(times_.begin(), times_.end());
    Microseconds sum{};
    for (const Microseconds time : times_) sum += time;
    line += "; min/avg/max " + milliseconds(*min) + " / " +
            milliseconds(sum / static_cast<double>(times_.size())) + " / " + milliseconds(*max);
  }
  out_.write(line + "\n");
}

po::options_description ping_options() {
  po::options_description options("Options", kHelpColumns);
  add_options(options, {{"count,c", "COUNT", "how often to try (default 1; 0: until Ctrl-C)"},
                        {"interval,i", "TIME", "how long to wait between two tries (default 1s)"},
                        {"wait,w", "TIME", "how long to wait for an answer (default 5s)"},
                        {"protocol", "NAME",
                         "framed (default): connect, then PING; tcp: only connect, each time"},
                        {"ipv4,4", "", "use IPv4 only"},
                        {"ipv6,6", "", "use IPv6 only"},
                        {"source", "IP", "connect from this address"}});
  return options;
}

PingSettings ping_settings(const ReadOptions& options) {
  if (options.positional.size() != 1)
    throw UsageError("ping: one address is needed; `fairlead help ping` shows how it is used");
  PingSettings settings;
  const std::string protocol = options.text("protocol");
  if (protocol == "text" || protocol == "len32") {
    throw UsageError("ping: protocol " + protocol +
                     " has no answer to a ping; --protocol tcp tells " +
                     "whether the server connects, and `fairlead send` whether it answers");
  }
  settings.connects_only = choice_option(options, "protocol", {"framed", "tcp"}, 0) == 1;
  ReadOptions rest = options;
  rest.given.erase("protocol");
  settings.client = client_settings(rest, options.positional.front(), Protocol::framed);
  if (settings.connects_only) settings.client.connection.protocol = Protocol::text;
  settings.client.dial.timeout = duration_option(options, "wait", Duration(5000));
  settings.count = count_option(options, "count", 1);
  settings.interval = duration_option(options, "interval", settings.interval);
  return settings;
}

}  // namespace

std::string ping_help() {
  return help_text(
      "Usage: fairlead ping [OPTIONS] ADDRESS\n"
      "Tells whether a Fairlead daemon serves its clients, and how fast: it connects and sends "
      "PING. Of any\nother server, and of a listener with protocol = text or len32, "
      "--protocol tcp tells whether it connects,\nwhich a kernel does also for a server that is "
      "stopped. Prints a line for each answer.\n\n",
      ping_options(),
      "\nExit status: 0 it answers (with -c: at least one try), 1 it refuses, 2 no "
      "answer of the protocol,\n3 not tried: a wrong option, or a name that is not resolved. 23 "
      "cannot write, "
      "130 Ctrl-C.\n");
}

int run_ping(const Words& arguments, const TerminalLocale&) {
  std::optional<PingSettings> settings;
  try {
    settings = ping_settings(read_options("ping", ping_options(), arguments));
  } catch (const UsageError& error) {
    return report("", {kNotTried, error.what()});
  }
  Output out(1);
  try {
    return PingRun(*settings, out).run();
  } catch (const std::system_error& error) {
    return report("", {kNotTried, advised(error)});
  }
}

}  // namespace fairlead
