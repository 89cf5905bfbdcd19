// The options that the commands share, and their meaning.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "client/api/client.hpp"
#include "client/cli/reply_printer.hpp"

namespace fairlead {

namespace program_options = boost::program_options;

using Words = std::vector<std::string>;

inline constexpr std::uint16_t kDefaultPort = 7878;
inline constexpr unsigned kHelpColumns = 90;

// A parsed command line: options and positional arguments.
struct ReadOptions {
  program_options::variables_map given;
  Words positional;

  bool has(const char* option) const { return given.contains(option); }
  // Empty when it was not given.
  std::string text(const char* option) const {
    return has(option) ? given[option].as<std::string>() : std::string();
  }
};

// Throws UsageError, which names `command`.
ReadOptions read_options(std::string_view command,
                         const program_options::options_description& options,
                         const Words& arguments);

// An option and its help. Without a value it is a flag; a list may be given several times.
struct OptionText {
  enum class Kind : std::uint8_t { single, list };
  const char* name;   // "long" or "long,s"
  const char* value;  // how the help names it; empty: a flag
  const char* help;
  Kind kind = Kind::single;
};
void add_options(program_options::options_description& to,
                 std::initializer_list<OptionText> options);

// The help of a command: its options between two texts.
std::string help_text(std::string_view head, const program_options::options_description& options,
                      std::string_view tail);

// How to connect: -4 -6 --source --connect-timeout.
void add_dial_options(program_options::options_description& to);

// --reconnect --retries.
void add_reconnect_options(program_options::options_description& to);

// The options above, --protocol and --service.
void add_connection_options(program_options::options_description& to);

// How plain text is read and written: -e, --boundary.
void add_text_options(program_options::options_description& to);

// The address of a server as users write it. Throws UsageError.
Endpoint server_endpoint(const std::string& address);

// The settings for the options above. Throws UsageError.
ClientSettings client_settings(const ReadOptions& options, const std::string& address,
                               Protocol default_protocol = Protocol::text);

// -e: the encoding of messages and replies.
struct TextChoice {
  bool hex = false;
  Encoding send = Encoding::utf8;
  EncodingSettings read = {};
};
TextChoice text_choice(const ReadOptions& options);

// What `send` and `term` share.
struct TalkSettings {
  ClientSettings client = {};
  TextChoice text = {};
  std::vector<ReplyFormat> formats = {};
  Duration wait{5000};   // for a reply
  bool shutdown = true;  // ends our side behind the last message
};
// Throws UsageError.
TalkSettings talk_settings(const ReadOptions& options, const std::string& address);

// The whole file that an option names, or little more than `bytes_max`; "-" is stdin. Throws
// UsageError, which begins with `where` and names the file.
std::string contents_of(std::string_view where, const std::string& path,
                        std::size_t bytes_max = std::string::npos);
// Its lines, which end with LF or CRLF.
Words lines_of(const std::string& text);

// Durations, counts, sizes in bytes; `fallback` if the option was not given. Throw UsageError that
// names the option.
Duration duration_option(const ReadOptions& options, const char* name, Duration fallback);
std::uint64_t count_option(const ReadOptions& options, const char* name, std::uint64_t fallback);
std::uint64_t size_option(const ReadOptions& options, const char* name, std::uint64_t fallback);

// One of `names`, as an index. Throws UsageError with the nearest of them.
std::size_t choice_option(const ReadOptions& options, const char* name,
                          const std::vector<std::string_view>& names, std::size_t fallback);
std::size_t choice_of(const char* option, const std::string& word,
                      const std::vector<std::string_view>& names);

// The typed text, in the terminal's encoding, as the bytes of a message. Throws UsageError if -e
// cannot write it, or if it is no hex.
std::string message_bytes(std::string_view typed, Encoding terminal, const TextChoice& choice);

}  // namespace fairlead
