#include "client/commands/get/get_settings.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "client/cli/exit_code.hpp"
#include "client/fetch/file_names.hpp"
#include "client/fetch/rate_limit.hpp"
#include "common/base/hex.hpp"
#include "common/config/parsed.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

constexpr std::uint64_t kAtOnceMax = 16;  // files, and connections of each
constexpr std::uint64_t kRetriesMax = 1'000'000;

std::uint32_t at_once(const ReadOptions& options, const char* name, std::uint32_t fallback) {
  const std::uint64_t count = count_option(options, name, fallback);
  if (count == 0 || count > kAtOnceMax)
    throw UsageError("--" + std::string(name) + " takes 1 to " + std::to_string(kAtOnceMax));
  return static_cast<std::uint32_t>(count);
}

Sha256Digest digest_option(const std::string& hex) {
  Sha256Digest digest{};
  bool is_valid = hex.size() == 2 * digest.size();
  for (std::size_t i = 0; is_valid && i < digest.size(); ++i) {
    const int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
    is_valid = high >= 0 && low >= 0;
    digest[i] = static_cast<char>(high * 16 + low);
  }
  if (!is_valid) throw UsageError("--sha256 takes 64 hexadecimal digits");
  return digest;
}

// How a file is stored and what it must be.
void set_storing(GetSettings& settings, const ReadOptions& options) {
  Storing& storing = settings.storing;
  storing.if_exists = static_cast<IfExists>(
      choice_option(options, "if-exists", {"fail", "skip", "rename", "overwrite", "update"}, 0));
  storing.resumes = !settings.is_plain;
  storing.syncs = !options.has("no-sync");
  storing.keeps_time = options.has("keep-time");
  settings.prints_sha256 = options.has("print-sha256");
  if (settings.is_plain && storing.if_exists == IfExists::update)
    throw UsageError("--if-exists update needs --protocol framed: plain servers have no hashes");
  if (settings.is_plain && storing.keeps_time)
    throw UsageError("--keep-time needs --protocol framed: plain servers tell no times");
  if (settings.prints_sha256 && settings.to_stdout)
    throw UsageError("--print-sha256 and -o - would both write to stdout");
  if (options.has("sha256")) {
    if (settings.names.size() != 1 || settings.recursive)
      throw UsageError("--sha256 is of one file; fetch the others by themselves");
    settings.file.sha256 = digest_option(options.text("sha256"));
  }
  storing.hashes = settings.prints_sha256 || settings.file.sha256.has_value();
}

void set_target(GetSettings& settings, const ReadOptions& options) {
  settings.folder = options.text("directory");
  settings.creates_folder = options.has("create-dirs");
  const std::string output = options.text("output");
  if (!options.has("output")) return;
  if (settings.names.size() != 1 || settings.recursive)
    throw UsageError("-o names one file; use -O for the folder of several");
  if (output == "-") {
    settings.to_stdout = true;
    settings.split = settings.file.shares = 1;  // it is shown in order
    return;
  }
  const std::size_t slash = output.rfind('/');
  settings.stored_name = slash == std::string::npos ? output : output.substr(slash + 1);
  const bool is_name =
      !settings.stored_name.empty() && settings.stored_name != "." && settings.stored_name != "..";
  if (!is_name) throw UsageError("-o " + shown(output) + " is not the name of a file");
  if (slash == std::string::npos) return;
  const std::string below = slash == 0 ? "/" : output.substr(0, slash);
  // An empty -O is the current folder, as without -o.
  const bool is_relative = !output.starts_with('/') && !settings.folder.empty();
  settings.folder = is_relative ? settings.folder + "/" + below : below;
}

// Names lead from the root of the service; what a plain server takes is its own affair, as long as
// there is a name to store it under.
void check_name(const GetSettings& settings, const std::string& name) {
  if (!settings.is_plain && components_of(name).empty()) {
    throw UsageError(shown(name) +
                     " is not the name of a file: names lead from the server's root, with one / "
                     "between components");
  }
  if (name.empty()) throw UsageError("an empty name is not that of a file");
  const bool has_place = settings.to_stdout || !settings.stored_name.empty();
  if (!has_place && stored_name(name).empty())
    throw UsageError(shown(name) + " does not say what to store it as; use -o FILE");
}

// Rejects invalid names, and names with the same target, before anything is fetched.
void check_names(const GetSettings& settings) {
  std::set<std::string> stored;
  for (const std::string& name : settings.names) {
    const std::string remote = settings.recursive ? remote_name(name) : name;
    if (settings.recursive && remote.empty()) continue;  // the root
    check_name(settings, remote);
    if (settings.stored_name.empty() && !settings.to_stdout &&
        !stored.insert(stored_name(remote)).second) {
      throw UsageError("two of the names would be stored as " + shown(stored_name(remote)) +
                       "; fetch them one by one, with -o or -O");
    }
  }
}

// The arguments behind the address, and the lines of --names-from.
Words typed_names(const ReadOptions& options) {
  Words names(options.positional.begin() + 1, options.positional.end());
  if (!options.has("names-from")) return names;
  for (std::string& line : lines_of(contents_of("--names-from ", options.text("names-from"))))
    if (!line.empty()) names.push_back(std::move(line));
  return names;
}

std::vector<std::string> globs(const ReadOptions& options, const char* name,
                               const TerminalLocale& locale) {
  std::vector<std::string> all;
  if (!options.has(name)) return all;
  for (const std::string& glob : options.given[name].as<Words>())
    all.push_back(message_bytes(glob, locale.encoding, {}));
  return all;
}

}  // namespace

po::options_description get_options() {
  po::options_description options("Options", kHelpColumns);
  add_options(
      options,
      {{"output,o", "FILE", "store under this name; -: write to stdout"},
       {"directory,O", "DIR", "store in this folder (default: the current one)"},
       {"create-dirs", "", "create the folder of -O or -o if it is missing"},
       {"recursive,r", "", "NAME may be a directory: fetch all that is below it"},
       {"include", "GLOB", "-r: only files that one of these matches", OptionText::Kind::list},
       {"exclude", "GLOB", "-r: no files and directories that one of these matches",
        OptionText::Kind::list},
       {"names-from", "FILE", "also the names in FILE, a line each; -: stdin"},
       {"jobs,j", "N", "how many files at once (default 4)"},
       {"split", "N", "how many connections for each file (default 1)"},
       {"limit-rate", "SIZE", "bytes a second, of all connections together (k, m: 1024)"},
       {"if-exists", "WHAT",
        "what is there already: fail (default), skip, rename (NAME.1, ...), overwrite, or "
        "update: fetch what differs"},
       {"keep-time", "", "give a file the time of its last change at the server"},
       {"sha256", "HEX", "the file must have this SHA-256"},
       {"print-sha256", "", "print the SHA-256 of each stored file, for sha256sum -c"},
       {"retry", "COUNT",
        "connect again so often in a row, with growing, random waits (default 5)"},
       {"no-sync", "", "do not wait for the disk: faster with many small files"},
       {"no-restart", "", "exit 36 when the file has changed, instead of starting again"},
       {"timeout", "TIME", "give up a connection on which nothing comes (default 30s)"},
       {"progress", "HOW", "auto (default), bars, lines, json or none; on stderr"},
       {"quiet,q", "", "no progress"},
       {"protocol", "NAME", "framed (default), or text: the tutorials' servers"},
       {"service", "NAME", "framed: the service that has the files (default file)"},
       {"encoding,e", "NAME", "text: how to send the name: utf-8 (default), gbk, gb18030"},
       {"boundary", "NAME", "text: line sends a newline behind the name"},
       {"no-shutdown", "", "text: do not tell the server that nothing more will be sent"}});
  add_dial_options(options);
  return options;
}

GetSettings get_settings(const ReadOptions& options, const TerminalLocale& locale) {
  if (options.positional.empty() || (options.positional.size() < 2 && !options.has("names-from")))
    throw UsageError("get: give an address and a name; `fairlead help get` shows how it is used");
  GetSettings settings;
  settings.client = client_settings(options, options.positional.front(), Protocol::framed);
  ConnectionSettings& connection = settings.client.connection;
  if (connection.protocol == Protocol::len32)
    throw UsageError("get: --protocol framed or text; len32 has no downloads");
  settings.is_plain = connection.protocol == Protocol::text;
  connection.service = options.has("service") ? options.text("service") : "file";
  connection.reply.boundary = ReplyBoundary::none;
  connection.encoding.decode = Encoding::binary;
  if (options.text("boundary") == "line") connection.line_end = LineEnd::lf;
  settings.shutdown = !options.has("no-shutdown");
  settings.jobs = at_once(options, "jobs", settings.jobs);
  settings.split = settings.file.shares = at_once(options, "split", settings.split);
  settings.retries = static_cast<std::uint32_t>(
      std::min(kRetriesMax, count_option(options, "retry", settings.retries)));
  settings.silence = duration_option(options, "timeout", settings.silence);
  settings.file.restarts = !options.has("no-restart");
  settings.bytes_per_second = size_option(options, "limit-rate", 0);
  if (settings.is_plain) {
    settings.client.dial.receive_buffer_bytes =
        RateLimit(settings.bytes_per_second).receive_buffer_bytes();
  }
  settings.progress = static_cast<ProgressForm>(
      choice_option(options, "progress", {"auto", "bars", "lines", "json", "none"}, 0));
  if (options.has("quiet")) settings.progress = ProgressForm::none;
  settings.recursive = options.has("recursive");
  if (settings.recursive && settings.is_plain)
    throw UsageError("-r needs --protocol framed: plain servers list nothing");

  const TextChoice choice = text_choice(options);
  if (!settings.is_plain && choice.send != Encoding::utf8)
    throw UsageError("-e: framed names are UTF-8; leave it out");
  for (const std::string& name : typed_names(options)) {
    settings.names.push_back(message_bytes(name, locale.encoding, {}));
    settings.plain_names.push_back(message_bytes(name, locale.encoding, choice));
  }
  settings.filter = {.include = globs(options, "include", locale),
                     .exclude = globs(options, "exclude", locale)};
  if (!settings.recursive && (options.has("include") || options.has("exclude")))
    throw UsageError(
        "--include and --exclude need -r: they choose among what is below a directory");
  set_target(settings, options);
  set_storing(settings, options);
  check_names(settings);
  return settings;
}

}  // namespace fairlead
