#include "common/config/source.hpp"

#include <unistd.h>

#include "common/base/bytes.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kPrefix = "FAIRLEAD_";
constexpr std::size_t kNameBytesMax = 64;

char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// "LISTENER__MAIN__BIND" -> "listener.main.bind". A name cannot hold "__", so each "__" separates
// two names.
std::string dotted(std::string_view variable) {
  std::string result;
  for (std::size_t i = 0; i < variable.size(); ++i) {
    if (variable.substr(i, 2) == "__") {
      result += '.';
      ++i;
    } else {
      result += lower(variable[i]);
    }
  }
  return result;
}

// The key follows the last dot: a section may have a dot in its name, a key has none.
void split_path(std::string_view path, Assignment& into) {
  const auto dot = path.rfind('.');
  into.section = path.substr(0, dot);
  into.key = path.substr(dot + 1);
}

}  // namespace

std::string Origin::text() const {
  switch (kind) {
    case Kind::fallback:
      return "default";
    case Kind::file:
      return line == 0 ? name : name + ":" + std::to_string(line);
    case Kind::environment:
      return "environment " + name;
    case Kind::command_line:
      return "command line";
  }
  return {};
}

std::string ConfigError::text() const {
  const std::string place = origin.text() + ": " + (key.empty() ? "" : key + ": ");
  return escaped(place) + what;
}

Environment process_environment() {
  Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

void add_environment(ConfigInput& input, const Environment& environment) {
  for (const auto& [variable, value] : environment) {
    const std::string_view name(variable);
    if (!name.starts_with(kPrefix) || name.find("__", kPrefix.size()) == std::string_view::npos)
      continue;
    Assignment assignment;
    assignment.value = value;
    assignment.origin = {.kind = Origin::Kind::environment, .name = variable};
    split_path(dotted(name.substr(kPrefix.size())), assignment);
    if (variable != variable_of(assignment.section, assignment.key)) {
      input.errors.push_back({assignment.origin, {}, "the name must be in upper case"});
      continue;
    }
    input.assignments.push_back(std::move(assignment));
  }
}

std::optional<Assignment> parse_setting(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  const auto path = text.substr(0, equals);
  if (path.find('.') == std::string_view::npos) return {};
  Assignment assignment;
  split_path(path, assignment);
  if (assignment.section.empty() || assignment.key.empty()) return {};
  assignment.value = text.substr(equals + 1);
  assignment.origin.kind = Origin::Kind::command_line;
  return assignment;
}

std::string variable_of(std::string_view section, std::string_view key) {
  std::string result(kPrefix);
  for (const char c : section) result += c == '.' ? std::string("__") : std::string(1, to_upper(c));
  result += "__";
  for (const char c : key) result += to_upper(c);
  return result;
}

bool is_config_name(std::string_view text) noexcept {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (text.empty() || text.size() > kNameBytesMax || !is_letter(text.front())) return false;
  for (const char c : text)
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '_') return false;
  return text.find("__") == std::string_view::npos;
}

}  // namespace fairlead
