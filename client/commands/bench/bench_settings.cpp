#include "client/commands/bench/bench_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <random>
#include <system_error>

#include "client/bench/workload/bench_plan.hpp"
#include "client/bench/workload/expectation.hpp"
#include "client/bench/workload/message_source.hpp"
#include "client/bench/workload/message_template.hpp"
#include "client/bench/workload/reply_ends.hpp"
#include "client/bench/workload/schedule.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "common/config/parsed.hpp"
#include "common/config/units.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::uint64_t kConnectionsMax = 1'000'000;
constexpr std::uint64_t kThreadsMax = 256;
constexpr std::uint64_t kInflightMax = 65'536;
constexpr std::uint64_t kMessageBytesMax = kMessageBytesCeiling;
constexpr Duration kDefaultDuration{10'000};
constexpr Duration kDefaultRound{2'000};

const std::vector<std::string_view> kModes{"reply", "conn", "greet", "file", "idle"};
const std::vector<std::string_view> kEncodings{"utf-8", "gbk", "gb18030", "latin1", "binary"};

std::uint32_t count_within(const ReadOptions& options, const char* name, std::uint32_t fallback,
                           std::uint64_t max) {
  const std::uint64_t count = count_option(options, name, fallback);
  if (count == 0 || count > max)
    throw UsageError("--" + std::string(name) + " takes 1 to " + format_count(max));
  return static_cast<std::uint32_t>(count);
}

Words words(const ReadOptions& options, const char* name) {
  return options.has(name) ? options.given[name].as<Words>() : Words();
}

// The value, or a UsageError that begins with `where`.
template <class Value>
Value taken(const Result<Value>& parsed, const std::string& where) {
  if (!parsed) throw UsageError(where + ": " + parsed.error().what);
  return *parsed;
}

// ---- How much ----

void set_length(Load& load, const ReadOptions& options, Duration fallback) {
  load.messages = count_option(options, "messages", 0);
  load.warmup = duration_option(options, "warmup", Duration(0));
  load.ramp = duration_option(options, "ramp", Duration(0));
  if (options.has("messages") && load.messages == 0) throw UsageError("--messages cannot be 0");
  const bool by_count = options.has("messages") && !options.has("duration");
  load.duration = by_count ? Duration(0) : duration_option(options, "duration", fallback);
  load.is_endless = !by_count && load.duration == BenchDuration::zero();
  if (load.is_endless) load.duration = kRunMax;
  if (load.duration > kRunMax) throw UsageError("--duration: no test is longer than 100 days");
  if (options.has("stage")) {
    if (options.has("rate") || options.has("duration"))
      throw UsageError("--stage says how long and how fast; leave out --rate and --duration");
    load.stages = parse_stages(options.text("stage"));
    load.duration = BenchDuration(0);
    for (const Stage& stage : load.stages) load.duration += stage.length;
  } else if (options.has("rate")) {
    const double rate = parse_rate(options.text("rate"));
    if (rate == 0) throw UsageError("--rate cannot be 0; leave it out for a closed loop");
    // Long enough for the last message to be due, the ramp included.
    const std::chrono::duration<double> enough(static_cast<double>(load.messages) / rate +
                                               std::max(1.0, 1 / rate));
    if (by_count && enough + load.ramp > kRunMax)
      throw UsageError("--messages: at that rate they would take more than 100 days");
    const BenchDuration length =
        by_count ? load.ramp + std::chrono::duration_cast<BenchDuration>(enough) : load.duration;
    load.stages = {{.length = length, .rate = rate}};
  }
  if (!load.stages.empty() && load.ramp > load.stages.front().length)
    throw UsageError("--ramp cannot be longer than the first stage");
  if (load.duration > BenchDuration::zero() && load.warmup >= load.duration)
    throw UsageError("--warmup is a part of --duration, so it must be shorter");
}

void set_connections(Load& load, const ReadOptions& options) {
  load.connections = count_within(options, "connections", load.connections, kConnectionsMax);
  load.threads = count_within(options, "threads", load.threads, kThreadsMax);
  if (load.threads > load.connections)
    throw UsageError("--threads: each needs a connection of its own, or --connections more");
  load.inflight = count_within(options, "inflight", load.inflight, kInflightMax);
  if (options.has("connect-rate")) load.connect_rate = parse_rate(options.text("connect-rate"));
  load.reconnect_every = count_option(options, "reconnect-every", 0);
  load.reply_timeout = duration_option(options, "timeout", Duration(10'000));
  load.spins = options.has("spin");
  load.seed = options.has("seed") ? count_option(options, "seed", 0) : std::random_device{}();
  if (!options.has("source")) return;
  load.sources = parse_address_block(options.text("source"));
  if (!load.sources) {
    throw UsageError("--source " + shown(options.text("source")) +
                     " is neither an IP address nor a network such as 127.0.0.0/24");
  }
}

// ---- What ----

void set_size(MessageSettings& message, const ReadOptions& options) {
  if (!options.has("size")) return;
  const std::string text = options.text("size");
  const std::string where = "--size " + shown(text);
  const std::size_t dash = text.find('-');
  const auto bytes = [&where](std::string_view part) {
    const std::uint64_t size = taken(parse_size(part), where);
    if (size == 0 || size > kMessageBytesMax)
      throw UsageError(where + ": takes 1 to " + format_size(kMessageBytesMax));
    return static_cast<std::uint32_t>(size);
  };
  const std::string_view whole = text;
  message.size_min = bytes(whole.substr(0, dash));
  message.size_max = dash == std::string::npos ? message.size_min : bytes(whole.substr(dash + 1));
  if (message.size_min > message.size_max)
    throw UsageError(where + ": the smaller one comes first");
}

void set_message(Load& load, const ReadOptions& options, const TerminalLocale& locale) {
  MessageSettings& message = load.message;
  if (options.has("encoding")) {
    const std::size_t index = choice_option(options, "encoding", kEncodings, 0);
    message.encoding = *encoding_named(kEncodings[index]);
  }
  message.ends_lines = load.connection.protocol == Protocol::text &&
                       load.connection.reply.boundary == ReplyBoundary::line;
  const int ways = options.has("message") + options.has("file") + options.has("size");
  if (ways > 1) throw UsageError("--message, --file and --size exclude each other");
  if (options.has("whole") && !options.has("file")) throw UsageError("--whole needs --file");
  for (const std::string& typed : words(options, "message"))
    message.texts.push_back(unescaped(message_bytes(typed, locale.encoding, {})));
  if (options.has("file")) {
    const std::string contents = contents_of("--file ", options.text("file"));
    message.texts =
        options.has("whole") ? std::vector{literal_template(contents)} : texts_of_lines(contents);
  }
  set_size(message, options);
  // Connecting alone is an operation, too.
  if (load.mode == BenchMode::conn && ways == 0) {
    message.size_min = message.size_max = 0;
    message.ends_lines = false;
  }
}

void set_reply_end(Load& load, const ReadOptions& options, const TerminalLocale& locale) {
  if (load.connection.protocol != Protocol::text || load.mode == BenchMode::file)
    throw UsageError("--expect-end: only replies of --protocol text have ends that must be told");
  if (load.expectation.kind == ExpectationSettings::Kind::none)
    throw UsageError("--expect-end: no reply is waited for");
  const std::string typed = message_bytes(options.text("expect-end"), locale.encoding, {});
  try {
    load.connection.reply = parse_reply_end(typed, load.message.encoding);
  } catch (const SettingError& error) {
    throw UsageError("--expect-end: " + std::string(error.what()));
  }
  load.ends_replies = load.ends_greeting = true;
}

void set_expectation(Load& load, const ReadOptions& options, const TerminalLocale& locale) {
  using Kind = ExpectationSettings::Kind;
  const bool sends = load.mode == BenchMode::reply || load.message.size_max > 0;
  if (options.has("expect")) {
    const std::string typed = message_bytes(options.text("expect"), locale.encoding, {});
    load.expectation = parse_expectation(typed, load.message.encoding);
  } else if (load.mode == BenchMode::greet || !sends) {
    load.expectation.kind = Kind::none;
  }
  if (load.mode == BenchMode::greet && load.expectation.kind == Kind::echo)
    throw UsageError(
        "--mode greet: nothing is sent that could be echoed; --expect TEXT, re: or none");
  if (options.has("expect-end")) return set_reply_end(load, options, locale);
  const bool needs_end =
      load.connection.protocol == Protocol::text && load.expectation.kind == Kind::pattern;
  if (needs_end && load.connection.reply.boundary == ReplyBoundary::none)
    throw UsageError("--expect re: needs --expect-end, which says where a reply ends");
  // A TEXT without a line end is a line, which ends with LF or CRLF.
  load.ends_replies = load.message.ends_lines && load.expectation.kind == Kind::text &&
                      !load.expectation.text.ends_with('\n');
}

void set_mode(Load& load, const ReadOptions& options) {
  load.mode = static_cast<BenchMode>(choice_option(options, "mode", kModes, 0));
  if (options.has("idle")) {
    if (options.has("mode") && load.mode != BenchMode::idle)
      throw UsageError("--idle and --mode exclude each other");
    load.mode = BenchMode::idle;
  }
  if (load.mode == BenchMode::idle && (options.has("rate") || options.has("stage")))
    throw UsageError("--idle: nothing is sent that could have a rate");
  if (load.mode == BenchMode::idle && options.has("messages"))
    throw UsageError("--idle: nothing is sent that could be counted; --duration says how long");
}

void set_file(Load& load, const ReadOptions& options) {
  if (load.mode != BenchMode::file) return;
  if (load.connection.protocol == Protocol::len32)
    throw UsageError("--mode file: --protocol framed or text; len32 has no downloads");
  if (load.message.texts.size() != 1 || !options.has("message"))
    throw UsageError("--mode file: --message names the file to download");
  std::string scratch;
  load.message.ends_lines = false;
  load.file_name = MessageSource(load.message, load.seed).message({0, 0, 0}, scratch);
  if (load.connection.protocol == Protocol::framed && load.service.empty()) load.service = "file";
}

void describe(BenchSettings& settings, const ReadOptions& options) {
  const Load& load = settings.load;
  settings.configuration = {{"mode", std::string(name_of(load.mode))},
                            {"connections", std::to_string(load.connections)},
                            {"threads", std::to_string(load.threads)},
                            {"inflight", std::to_string(load.inflight)},
                            {"seed", std::to_string(load.seed)}};
  const auto is_said = [said = settings.configuration](const std::string& name) {
    return name == "positional" ||
           std::ranges::any_of(said, [&name](const auto& option) { return option.first == name; });
  };
  for (const auto& [name, value] : options.given) {
    if (is_said(name)) continue;
    std::string text;
    if (const auto* word = boost::any_cast<std::string>(&value.value())) text = *word;
    if (const auto* several = boost::any_cast<Words>(&value.value()))
      for (const std::string& each : *several) text += (text.empty() ? "" : " | ") + each;
    settings.configuration.emplace_back(name, text.empty() ? "yes" : text);
  }
}

BenchSettings bench_settings(const ReadOptions& options, const TerminalLocale& locale,
                             const std::string& address, Duration fallback) {
  BenchSettings settings;
  Load& load = settings.load;
  // --source is a network here; the other options are those of every command.
  ReadOptions without_source = options;
  without_source.given.erase("source");
  const ClientSettings client = client_settings(without_source, address);
  load.connection = client.connection;
  if (!options.has("boundary")) load.connection.reply.boundary = ReplyBoundary::line;
  load.connect_timeout = client.dial.timeout;
  settings.family = client.dial.family;
  load.service = options.text("service");
  load.skip_greeting = options.has("skip-greeting");
  set_mode(load, options);
  set_connections(load, options);
  set_length(load, options, fallback);
  set_message(load, options, locale);
  set_file(load, options);
  set_expectation(load, options, locale);
  // Reports wrong messages and expectations before any name is resolved.
  static_cast<void>(BenchPlan(load, {}));
  if (options.has("no-tui")) settings.view = BenchView::lines;
  if (options.has("quiet")) settings.view = BenchView::none;
  describe(settings, options);
  return settings;
}

}  // namespace

BenchRunSettings bench_run_settings(const ReadOptions& options, const TerminalLocale& locale) {
  if (options.positional.size() != 1)
    throw UsageError("bench: one address is needed; `fairlead help bench` shows how it is used");
  BenchRunSettings settings;
  settings.address = options.positional.front();
  settings.server = server_endpoint(settings.address);
  settings.bench = bench_settings(options, locale, settings.address, kDefaultDuration);
  for (const std::string& text : words(options, "threshold")) {
    settings.thresholds.emplace_back(text);
    if (settings.thresholds.back().is_of_mismatches()) settings.judges_mismatches = true;
    if (settings.thresholds.back().is_of_errors()) settings.judges_errors = true;
  }
  for (const std::string& text : words(options, "abort-on")) {
    settings.abort_on.emplace_back(text);
    if (!settings.abort_on.back().is_of_each_second()) {
      throw UsageError("--abort-on " + shown(text) +
                       ": each second tells p50 and other percentiles, max, mean, errors, mismatch "
                       "and rate");
    }
  }
  if (options.has("pid")) {
    const std::uint64_t pid = count_option(options, "pid", 0);
    if (pid == 0 || pid > std::uint64_t{1} << 22)
      throw UsageError("--pid: no process has that number");
    settings.pid = static_cast<pid_t>(pid);
  }
  settings.json = options.text("json");
  settings.csv = options.text("csv");
  settings.html = options.text("html");
  const int to_stdout = (settings.json == "-") + (settings.csv == "-") + (settings.html == "-");
  if (to_stdout > 1) throw UsageError("--json, --csv, --html: only one of them can be stdout");
  const auto are_one = [](const std::string& file, const std::string& other) {
    return !file.empty() && file == other;
  };
  if (are_one(settings.json, settings.csv) || are_one(settings.json, settings.html) ||
      are_one(settings.csv, settings.html))
    throw UsageError("--json, --csv, --html: each needs a file of its own");
  settings.only_checks = options.has("check");
  settings.only_shows = options.has("dry-run");
  if (settings.only_checks && settings.only_shows)
    throw UsageError("--check and --dry-run exclude each other");
  return settings;
}

BenchCompareSettings bench_compare_settings(const ReadOptions& options,
                                            const TerminalLocale& locale) {
  BenchCompareSettings settings;
  settings.targets = options.positional;
  if (settings.targets.size() < 2) {
    throw UsageError(
        "bench compare: two addresses or more are needed, or two files of --json; `fairlead bench "
        "compare --help` shows how it is used");
  }
  // Named as one or there; the name of a folder in the way is an address.
  const auto is_file = [](const std::string& target) {
    std::error_code error;
    const auto status = std::filesystem::status(target, error);
    const bool is_there = std::filesystem::exists(status) && !std::filesystem::is_directory(status);
    return target.ends_with(".json") || is_there;
  };
  const auto files = std::count_if(settings.targets.begin(), settings.targets.end(), is_file);
  if (files > 0 && (settings.targets.size() != 2 || files != 2))
    throw UsageError("bench compare: two files, or addresses only");
  if (files == 0)
    for (const std::string& target : settings.targets)
      settings.servers.push_back(server_endpoint(target));
  const std::string address = files == 0 ? settings.targets.front() : "localhost";
  settings.bench = bench_settings(options, locale, address, kDefaultRound);
  if (settings.bench.load.is_endless)
    throw UsageError("--duration cannot be 0: each round needs an end");
  settings.rounds = count_option(options, "rounds", settings.rounds);
  if (settings.rounds < 2 || settings.rounds > 10'000)
    throw UsageError("--rounds takes 2 to 10k: a ratio without an interval says nothing");
  settings.drift = static_cast<double>(count_option(options, "drift", 30)) / 100;
  if (options.has("drift") && files == 0)
    throw UsageError("--drift is for two files; rounds that are run in turn need none");
  for (const std::string& text : words(options, "fail-if")) settings.rules.emplace_back(text);
  settings.markdown = options.text("markdown");
  settings.json = options.text("json");
  if (!settings.json.empty() && settings.json == settings.markdown)
    throw UsageError("--json, --markdown: each needs a file of its own");
  return settings;
}

int print_report(std::string_view text, Encoding terminal, int descriptor) {
  Output out(descriptor);
  out.write(in_encoding(text, terminal));
  if (out.error().empty()) return kExitOk;
  return report("", {kExitCannotWrite, "cannot write the report: " + out.error()});
}

int report_failed(const ReportFile& file) {
  if (file.error().empty()) return kExitOk;
  return report(file.path(), {kExitCannotWrite, "cannot write the report: " + file.error()});
}

}  // namespace fairlead
