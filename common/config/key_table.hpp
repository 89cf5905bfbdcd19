// The table of everything that can be configured. The parser, the checks, --help, -T, the
// suggestions and the tables of docs/configuration.md are made from it: a key outside it does not
// exist.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace fairlead {

enum class KeyType : std::uint8_t {
  text,     // min..max: its length in bytes
  message,  // text with placeholders, which settings_builder checks
  path,     // text without NUL
  flag,
  choice,     // one of `words`
  count,      // min..max, or one of `words`
  rate,       // a count per second
  size,       // a count of bytes
  duration,   // min..max in milliseconds, or one of `words`
  mode,       // permission bits
  name,       // of a section or a service type; may be empty
  names,      // of sections, separated by commas; min..max: how many
  endpoints,  // addresses to listen at, separated and counted likewise
  blocks,     // address blocks, separated and counted likewise
};

// When a change of the value takes effect.
enum class Reload : std::uint8_t { live, new_connections, restart };

struct Key {
  std::string_view section;  // "server"; "listener.*" for every [listener.NAME]
  std::string_view name;
  KeyType type;
  std::string_view unit;      // what is counted, for documentation
  std::string_view fallback;  // the default, as it would be written
  std::uint64_t min, max;
  std::string_view words;  // "shared|reuseport"
  Reload reload;
  std::string_view help;  // one or two sentences
};

// A key that earlier versions had: using it is an error that says what to do.
struct RemovedKey {
  std::string_view section;
  std::string_view name;
  std::string_view advice;  // why it has gone and what to do, without a full stop
};

struct SectionKind {
  std::string_view name;  // "server", "listener.*"
  std::string_view help;
};

// In the order in which all pages and listings print them.
std::span<const SectionKind> section_kinds() noexcept;
std::span<const Key> all_keys() noexcept;
std::span<const RemovedKey> removed_keys() noexcept;
std::vector<const Key*> keys_of(const SectionKind& kind);

// `section` is a name as users write it, such as "listener.main". Null: there is none.
const SectionKind* find_section_kind(std::string_view section) noexcept;
const Key* find_key(std::string_view section, std::string_view key) noexcept;
const RemovedKey* find_removed_key(std::string_view section, std::string_view key) noexcept;

// A checked value; a duration is a number of milliseconds. monostate: the word of a number
// (`auto`), or an empty value that stands for "not given".
using KeyValue =
    std::variant<std::monostate, bool, std::uint64_t, std::string, std::vector<std::string>>;

// Checks type, range and words. A list of addresses is only split here; the parsers of
// common/net/endpoint check its items.
Result<KeyValue> parse_key_value(const Key& key, std::string_view text);

// The only type of service that reads this key, which its help names first: "(file) ...". Empty:
// they all do.
std::string_view service_type_of(const Key& key) noexcept;

// The types that Fairlead brings along.
inline constexpr std::string_view kOwnServiceTypes[] = {"discard", "echo", "file",
                                                        "greet",   "log",  "reply"};

char reload_letter(Reload reload) noexcept;  // L, N, R

// The help, with the words of a choice.
std::string explanation_of(const Key& key);

// Every section with its keys, defaults and classes, for a terminal of 100 columns (--help).
std::string key_help();

}  // namespace fairlead
