#include "client/cli/options.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/program_options/parsers.hpp>
#include <cerrno>
#include <random>
#include <sstream>
#include <system_error>

#include "client/cli/exit_code.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/hex.hpp"
#include "common/config/parsed.hpp"
#include "common/config/units.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

const std::vector<std::string_view> kProtocols{"text", "len32", "framed"};
const std::vector<std::string_view> kBoundaries{"line", "auto", "none"};
const std::vector<std::string_view> kEncodings{"auto", "utf-8", "gbk", "gb18030", "hex"};

std::string option_name(const char* name) { return "--" + std::string(name); }

template <class T>
T checked(const ReadOptions& options, const char* name, Result<T> (*parse)(std::string_view),
          T fallback) {
  if (!options.has(name)) return fallback;
  const Result<T> parsed = parse(options.text(name));
  if (!parsed) throw UsageError(option_name(name) + ": " + parsed.error().what);
  return *parsed;
}

PeerAddress numeric_address(const std::string& text) {
  const auto block = parse_address_block(text);
  const bool single = block && text.find('/') == std::string::npos;
  if (!single) throw UsageError("--source " + shown(text) + " is not a numeric IP address");
  return {.ip = block->ip, .port = 0, .family = block->family};
}

DialSettings dial_settings(const ReadOptions& options) {
  DialSettings dial;
  if (options.has("ipv4") && options.has("ipv6")) throw UsageError("-4 and -6 exclude each other");
  if (options.has("ipv4")) dial.family = AddressFamily::ipv4;
  if (options.has("ipv6")) dial.family = AddressFamily::ipv6;
  if (options.has("source")) dial.source = numeric_address(options.text("source"));
  dial.timeout = duration_option(options, "connect-timeout", dial.timeout);
  return dial;
}

ReconnectSettings reconnect_settings(const ReadOptions& options) {
  ReconnectSettings reconnect;
  if (!options.has("reconnect")) {
    if (options.has("retries")) throw UsageError("--retries needs --reconnect");
    return reconnect;
  }
  reconnect.when = ReconnectSettings::When::until_connected;
  const auto retries = count_option(options, "retries", 0);
  if (options.has("retries") && (retries == 0 || retries > 1'000'000))
    throw UsageError("--retries takes 1 to 1m; without it there is no end");
  reconnect.retries_max = static_cast<std::uint32_t>(retries);
  reconnect.seed = std::random_device{}();
  return reconnect;
}

std::string bytes_of_hex(std::string_view typed) {
  std::string digits;
  for (const char c : typed) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ':') continue;
    if (hex_value(c) < 0) throw UsageError("-e hex: " + shown(typed) + " is not hexadecimal");
    digits += c;
  }
  if (digits.size() % 2 != 0) throw UsageError("-e hex: " + shown(typed) + " has half a byte");
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(hex_value(digits[i]) * 16 + hex_value(digits[i + 1]));
  return bytes;
}

}  // namespace

ReadOptions read_options(std::string_view command, const po::options_description& options,
                         const Words& arguments) {
  namespace style = po::command_line_style;
  // Guessing would make every future option break a script that abbreviates an old one.
  constexpr int kStyle = style::unix_style & ~style::allow_guessing;
  po::options_description all;
  all.add(options).add_options()("positional", po::value<Words>());
  po::positional_options_description positional;
  positional.add("positional", -1);
  ReadOptions result;
  try {
    po::store(
        po::command_line_parser(arguments).options(all).positional(positional).style(kStyle).run(),
        result.given);
  } catch (const po::error& error) {
    throw UsageError(std::string(command) + ": " + error.what() + "; `fairlead help " +
                     std::string(command) + "` lists the options");
  }
  if (result.has("positional")) result.positional = result.given["positional"].as<Words>();
  return result;
}

void add_options(po::options_description& to, std::initializer_list<OptionText> options) {
  for (const auto& [name, value, help, kind] : options) {
    if (*value == '\0') {
      to.add_options()(name, help);
    } else if (kind == OptionText::Kind::list) {
      to.add_options()(name, po::value<Words>()->value_name(value), help);
    } else {
      to.add_options()(name, po::value<std::string>()->value_name(value), help);
    }
  }
}

std::string help_text(std::string_view head, const po::options_description& options,
                      std::string_view tail) {
  std::ostringstream out;
  out << head << options << tail;
  return out.str();
}

void add_dial_options(po::options_description& to) {
  add_options(to, {{"ipv4,4", "", "use IPv4 only"},
                   {"ipv6,6", "", "use IPv6 only"},
                   {"source", "IP", "connect from this address"},
                   {"connect-timeout", "TIME", "give up connecting after this (default 10s)"}});
}

void add_connection_options(po::options_description& to) {
  add_options(to, {{"protocol", "NAME", "what the server speaks: text (default), len32 or framed"},
                   {"service", "NAME",
                    "framed: talk to this service instead of the server's default one"}});
  add_dial_options(to);
  add_reconnect_options(to);
}

void add_reconnect_options(po::options_description& to) {
  add_options(to, {{"reconnect", "", "connect again, without end, with growing, random waits"},
                   {"retries", "COUNT", "with --reconnect: give up after so many tries"}});
}

void add_text_options(po::options_description& to) {
  add_options(to, {{"encoding,e", "NAME",
                    "auto (default: send UTF-8, read UTF-8 or GBK), utf-8, gbk, gb18030 or hex"},
                   {"boundary", "NAME", "text: where messages end: line, auto (default) or none"}});
}

Endpoint server_endpoint(const std::string& address) {
  Result<Endpoint> server = parse_endpoint(address, kDefaultPort);
  if (!server) throw UsageError(shown(address) + ": " + server.error().what);
  return *std::move(server);
}

ClientSettings client_settings(const ReadOptions& options, const std::string& address,
                               Protocol default_protocol) {
  ClientSettings settings;
  settings.server = server_endpoint(address);
  settings.dial = dial_settings(options);
  settings.reconnect = reconnect_settings(options);
  settings.connection.protocol = static_cast<Protocol>(
      choice_option(options, "protocol", kProtocols, static_cast<std::size_t>(default_protocol)));
  if (options.has("service")) {
    if (settings.connection.protocol != Protocol::framed)
      throw UsageError("--service needs --protocol framed");
    if (options.text("service").size() > kServiceNameBytesMax)
      throw UsageError("--service: a name has at most 64 bytes");
  }
  if (options.given.count("boundary") > 0) {
    settings.connection.reply.boundary =
        static_cast<ReplyBoundary>(choice_option(options, "boundary", kBoundaries, 1));
  }
  return settings;
}

TextChoice text_choice(const ReadOptions& options) {
  TextChoice choice;
  const std::size_t index = choice_option(options, "encoding", kEncodings, 0);
  if (index == 0) return choice;
  choice.hex = kEncodings[index] == "hex";
  choice.read.decode = choice.hex ? Encoding::binary : encoding_named(kEncodings[index]);
  if (!choice.hex) choice.send = *choice.read.decode;
  return choice;
}

TalkSettings talk_settings(const ReadOptions& options, const std::string& address) {
  TalkSettings settings;
  settings.client = client_settings(options, address);
  settings.text = text_choice(options);
  ConnectionSettings& connection = settings.client.connection;
  if (connection.protocol == Protocol::framed && settings.text.send != Encoding::utf8)
    throw UsageError("-e: framed messages are UTF-8; leave it out, or use hex");
  connection.encoding = settings.text.read;
  connection.service = options.text("service");
  const char* const format = settings.text.hex ? "hex" : "text";
  settings.formats = parse_formats(options.has("show") ? options.text("show") : format);
  settings.wait = duration_option(options, "wait", settings.wait);
  settings.shutdown = !options.has("no-shutdown");
  return settings;
}

std::string contents_of(std::string_view where, const std::string& path, std::size_t bytes_max) {
  const bool is_stdin = path == "-";
  const Descriptor file(is_stdin ? ::dup(STDIN_FILENO)
                                 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string contents;
  std::array<char, 65536> part;
  while (contents.size() <= bytes_max) {
    const ssize_t size = ::read(file.get(), part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0)
      throw UsageError(
          std::string(where) + (is_stdin ? "stdin" : shown(path)) +
          ": cannot be read: " + std::generic_category().message(errno) +
          (is_stdin ? "; redirect it from a file or a pipe" : "; check its name and its mode"));
    if (size == 0) break;
    contents.append(part.data(), static_cast<std::size_t>(size));
  }
  return contents;
}

Words lines_of(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

Duration duration_option(const ReadOptions& options, const char* name, Duration fallback) {
  return checked(options, name, parse_duration, fallback);
}

std::uint64_t count_option(const ReadOptions& options, const char* name, std::uint64_t fallback) {
  return checked(options, name, parse_count, fallback);
}

std::uint64_t size_option(const ReadOptions& options, const char* name, std::uint64_t fallback) {
  return checked(options, name, parse_size, fallback);
}

std::size_t choice_option(const ReadOptions& options, const char* name,
                          const std::vector<std::string_view>& names, std::size_t fallback) {
  return options.has(name) ? choice_of(name, options.text(name), names) : fallback;
}

std::size_t choice_of(const char* option, const std::string& word,
                      const std::vector<std::string_view>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) return i;
    all.append(i == 0 ? "" : ", ").append(names[i]);
  }
  throw UsageError(option_name(option) + ": " + shown(word) + " is none of " + all +
                   did_you_mean(word, names));
}

std::string message_bytes(std::string_view typed, Encoding terminal, const TextChoice& choice) {
  if (choice.hex) return bytes_of_hex(typed);
  std::string utf8;
  append_utf8(utf8, typed, terminal == Encoding::utf8 ? Encoding::binary : terminal);
  if (choice.send == Encoding::utf8) return utf8;
  std::string bytes;
  append_encoded(bytes, utf8, choice.send);
  std::string back;
  append_utf8(back, bytes, choice.send);
  if (back != utf8) {
    throw UsageError("-e " + std::string(name_of(choice.send)) + " cannot write all of " +
                     shown(utf8));
  }
  return bytes;
}

}  // namespace fairlead
