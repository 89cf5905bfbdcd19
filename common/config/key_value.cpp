// The types, ranges and words of the key table: how a value is checked, and how a key describes
// itself.
#include <algorithm>

#include "common/base/check.hpp"
#include "common/config/key_table.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/config/source.hpp"
#include "common/config/units.hpp"

namespace fairlead {
namespace {

// Constructs the value in place: with sanitizers, g++ 12 warns of uninitialized bytes in a variant
// that is moved.
template <class T>
Result<KeyValue> accepted(T value) {
  return Result<KeyValue>(tl::in_place, std::move(value));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> result;
  if (trimmed(text).empty()) return result;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(separator, begin), text.size());
    result.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return result;
}

std::string words_of(const Key& key) {
  const auto words = split(key.words, '|');
  return joined({words.begin(), words.end()});
}

bool has_word(const Key& key, std::string_view text) {
  return !key.words.empty() && std::ranges::count(split(key.words, '|'), text) != 0;
}

std::string format_number(const Key& key, std::uint64_t value) {
  if (key.type == KeyType::size) return format_size(value);
  if (key.type == KeyType::duration)
    return format_duration(Duration(static_cast<std::int64_t>(value)));
  return format_count(value);
}

Result<KeyValue> parse_text(const Key& key, std::string_view text) {
  if (text.size() > key.max)
    return make_error("is longer than the " + std::to_string(key.max) + " bytes allowed");
  if (text.size() < key.min) return make_error("must not be empty");
  if (key.type == KeyType::path && text.find('\0') != std::string_view::npos)
    return make_error("a path cannot hold a NUL byte");
  return accepted(std::string(text));
}

Result<KeyValue> parse_choice(const Key& key, std::string_view text) {
  if (has_word(key, text) || text == key.fallback) return accepted(std::string(text));
  return make_error(shown(text) + " is none of " + words_of(key) +
                    did_you_mean(text, split(key.words, '|')));
}

Result<KeyValue> within_range(const Key& key, std::string_view text,
                              const Result<std::uint64_t>& number) {
  if (!number)
    return make_error(number.error().what + (key.words.empty() ? "" : ", or " + words_of(key)));
  if (*number < key.min)
    return make_error(shown(text) + " is below the smallest allowed, " +
                      format_number(key, key.min));
  if (*number > key.max)
    return make_error(shown(text) + " is above the largest allowed, " +
                      format_number(key, key.max));
  return accepted(*number);
}

Result<KeyValue> parse_number(const Key& key, std::string_view text) {
  const bool is_unset = text.empty() && key.fallback.empty();
  if (is_unset || has_word(key, text)) return accepted(std::monostate());
  if (key.type == KeyType::size) return within_range(key, text, parse_size(text));
  if (key.type != KeyType::duration) return within_range(key, text, parse_count(text));
  return within_range(key, text, parse_duration(text).map([](Duration time) {
    return static_cast<std::uint64_t>(time.count());
  }));
}

std::string not_a_name(std::string_view text) {
  return shown(text) + " is not a name: write lower-case letters, digits and single _";
}

Result<KeyValue> parse_name(std::string_view text) {
  if (!text.empty() && !is_config_name(text)) return make_error(not_a_name(text));
  return accepted(std::string(text));
}

Result<KeyValue> parse_list(const Key& key, std::string_view text) {
  std::vector<std::string> items;
  for (const auto item : split(text, ',')) {
    // The parsers of addresses say so themselves, beside what is wrong with other items.
    if (item.empty() && key.type == KeyType::names)
      return make_error("has an empty item: " + shown(text));
    if (key.type == KeyType::names && !is_config_name(item)) return make_error(not_a_name(item));
    items.emplace_back(item);
  }
  if (items.size() < key.min) return make_error("must not be empty");
  if (items.size() > key.max)
    return make_error("has more than the " + std::to_string(key.max) + " items allowed");
  return accepted(std::move(items));
}

template <class T>
Result<KeyValue> as_key_value(Result<T> parsed) {
  if (!parsed) return tl::unexpected(parsed.error());
  return accepted(*parsed);
}

constexpr std::size_t kTerminalColumns = 100;
constexpr std::size_t kHelpColumn = 34;

// "[listener.NAME]"
std::string header_of(const SectionKind& kind) {
  std::string name(kind.name);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, "NAME");
  return "[" + name + "]";
}

// `text` in the column kHelpColumn, wrapped, with `lead` to its left.
std::string wrapped(std::string lead, std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (lead.size() >= kHelpColumn) {
      out += lead + "\n";
      lead.clear();
    }
    lead.resize(kHelpColumn, ' ');
    auto end = text.size();
    if (end > kTerminalColumns - kHelpColumn) end = text.rfind(' ', kTerminalColumns - kHelpColumn);
    if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
    out += lead + std::string(text.substr(0, end)) + "\n";
    text = trimmed(text.substr(end));
    lead.clear();
  }
  return out;
}

}  // namespace

Result<KeyValue> parse_key_value(const Key& key, std::string_view text) {
  switch (key.type) {
    case KeyType::text:
    case KeyType::message:
    case KeyType::path:
      return parse_text(key, text);
    case KeyType::flag:
      return as_key_value(parse_flag(text));
    case KeyType::choice:
      return parse_choice(key, text);
    case KeyType::count:
    case KeyType::rate:
    case KeyType::size:
    case KeyType::duration:
      return parse_number(key, text);
    case KeyType::mode:
      return as_key_value(parse_mode(text));
    case KeyType::name:
      return parse_name(text);
    case KeyType::names:
    case KeyType::endpoints:
    case KeyType::blocks:
      return parse_list(key, text);
  }
  FAIRLEAD_CHECK(!"a type without a parser");
  return {};
}

std::string explanation_of(const Key& key) {
  std::string text(key.help);
  if (key.type == KeyType::choice) text += " One of: " + words_of(key) + ".";
  return text;
}

char reload_letter(Reload reload) noexcept { return "LNR"[static_cast<std::size_t>(reload)]; }

std::string key_help() {
  std::string out;
  for (const auto& kind : section_kinds()) {
    out += (out.empty() ? "" : "\n") + header_of(kind) + "  " + std::string(kind.help) + "\n";
    for (const Key* key : keys_of(kind)) {
      std::string lead = "  " + std::string(1, reload_letter(key->reload)) + " ";
      lead += std::string(key->name) + " = " + std::string(key->fallback) + " ";
      out += wrapped(std::move(lead), explanation_of(*key));
    }
  }
  return out;
}

}  // namespace fairlead
