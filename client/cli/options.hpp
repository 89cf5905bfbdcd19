// The options that every command with a connection has, and what they mean.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "client/api/client.hpp"

namespace fairlead {

namespace program_options = boost::program_options;

using Words = std::vector<std::string>;

inline constexpr std::uint16_t kDefaultPort = 7878;
inline constexpr unsigned kHelpColumns = 90;

// A command line, read: options and what is left in order.
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

// How to connect: -4 -6 --source --connect-timeout.
void add_dial_options(program_options::options_description& to);

// --reconnect --retries.
void add_reconnect_options(program_options::options_description& to);

// All of these, and what to talk to: --protocol --service.
void add_connection_options(program_options::options_description& to);

// What plain text is: -e, --boundary.
void add_text_options(program_options::options_description& to);

// Fills in what the options above say. Throws UsageError.
ClientSettings client_settings(const ReadOptions& options, const std::string& address,
                               Protocol default_protocol = Protocol::text);

// -e: what messages are written in, and replies read as.
struct TextChoice {
  bool hex = false;
  Encoding send = Encoding::utf8;
  EncodingSettings read = {};
};
TextChoice text_choice(const ReadOptions& options);

// Durations, counts, sizes in bytes: throw UsageError that names the option. `fallback` where it
// was not given.
Duration duration_option(const ReadOptions& options, const char* name, Duration fallback);
std::uint64_t count_option(const ReadOptions& options, const char* name, std::uint64_t fallback);
std::uint64_t size_option(const ReadOptions& options, const char* name, std::uint64_t fallback);

// One of `names`, as an index. Throws UsageError with the nearest of them.
std::size_t choice_option(const ReadOptions& options, const char* name,
                          const std::vector<std::string_view>& names, std::size_t fallback);

// What the user typed, in the terminal's encoding, as the bytes of a message. Throws UsageError
// where -e cannot write it, or where it is not hex.
std::string message_bytes(std::string_view typed, Encoding terminal, const TextChoice& choice);

}  // namespace fairlead
