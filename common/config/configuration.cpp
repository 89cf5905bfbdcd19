#include "common/config/configuration.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/base/check.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kCommentColumn = 47;

std::string path_of(std::string_view section, std::string_view key) {
  return std::string(section) + (key.empty() ? "" : ".") + std::string(key);
}

bool takes_a_name(const SectionKind& kind) { return kind.name.ends_with(".*"); }

// What users of other servers look for here.
struct ForeignWord {
  std::string_view word, advice;
};
constexpr std::string_view kNoTls =
    "there is no TLS yet: put a terminator in front (HAProxy, stunnel, nginx's stream)";
constexpr std::string_view kNoProxyProtocol =
    "the PROXY protocol is not understood yet: behind a balancer every client has its address";
constexpr std::string_view kNoUser =
    "the daemon stays the user who starts it (User= of the unit, setpriv)";
constexpr ForeignWord kForeignWords[] = {
    {"tls", kNoTls},
    {"ssl", kNoTls},
    {"certificate", kNoTls},
    {"ssl_certificate", kNoTls},
    {"tls_certificate", kNoTls},
    {"proxy_protocol", kNoProxyProtocol},
    {"proxy_from", kNoProxyProtocol},
    {"accept_proxy", kNoProxyProtocol},
    {"send_proxy", kNoProxyProtocol},
    {"user", kNoUser},
    {"group", kNoUser},
    {"pid_file", "there is none: the daemon stays in the foreground, for a service manager"},
    {"pidfile", "there is none: the daemon stays in the foreground, for a service manager"},
    {"daemon", "it stays in the foreground, for a service manager"},
    {"daemonize", "it stays in the foreground, for a service manager"},
    {"listen", "addresses to listen at are bind in [listener.NAME]"},
    {"port", "addresses to listen at are bind in [listener.NAME]"},
    {"workers", "the number of event loops is threads in [server]"},
    {"worker_processes", "the number of event loops is threads in [server]"},
};

std::string foreign_advice(std::string_view word) {
  const auto* found = std::ranges::find(kForeignWords, word, &ForeignWord::word);
  return found == std::end(kForeignWords) ? "" : "; " + std::string(found->advice);
}

// Kubernetes sets these for every service of a namespace; one that is called fairlead-a--b looks
// like a key of ours.
bool is_injected(std::string_view variable) {
  if (variable.ends_with("_SERVICE_HOST") || variable.ends_with("_PORT")) return true;
  if (variable.find("_SERVICE_PORT") != variable.npos) return true;
  const auto port = variable.rfind("_PORT_");
  return port != variable.npos && port + 6 < variable.size() && variable[port + 6] >= '0' &&
         variable[port + 6] <= '9';
}

std::string unknown_section(std::string_view name) {
  const auto dot = name.find('.');
  const bool has_name = dot != std::string_view::npos;
  const auto stem = name.substr(0, dot);
  const std::string shown_stem = escaped(stem), shown_rest = escaped(name.substr(stem.size()));
  const std::string header = "[" + shown_stem + shown_rest + "]";
  std::vector<std::string_view> stems;  // compared with the stem: what follows the dot is free
  for (const auto& kind : section_kinds()) {
    const auto known = kind.name.substr(0, kind.name.find('.'));
    if (takes_a_name(kind) == has_name) stems.push_back(known);
    if (known != stem) continue;
    if (!takes_a_name(kind)) return header + " takes no name";
    if (!has_name) return header + " needs a name, as in [" + shown_stem + ".main]";
    return header + " needs a name of lower-case letters, digits and single _";
  }
  const auto best = nearest(stem, stems);
  if (best.empty()) return "unknown section " + header + foreign_advice(stem);
  return "unknown section " + header + "; did you mean [" + std::string(best) + shown_rest + "]?";
}

std::string unknown_key(std::string_view section, std::string_view name) {
  if (const auto* removed = find_removed_key(section, name))
    return "has gone: " + std::string(removed->advice);
  std::vector<std::string_view> here;
  if (const auto advice = foreign_advice(name); !advice.empty()) return "unknown key" + advice;
  for (const Key* key : keys_of(*find_section_kind(section))) here.push_back(key->name);
  here.push_back("include");
  if (const auto hint = did_you_mean(name, here); !hint.empty()) return "unknown key" + hint;
  for (const Key& key : all_keys())
    if (key.name == name)
      return "unknown key; it belongs into [" +
             std::string(key.section.substr(0, key.section.find('*'))) +
             (key.section.ends_with('*') ? "NAME]" : "]");
  return "unknown key";
}

// A section of ours, or somebody's attempt at one.
bool resembles_ours(std::string_view section) {
  const auto stem = section.substr(0, section.find('.'));
  std::vector<std::string_view> stems;
  for (const auto& kind : section_kinds())
    stems.push_back(kind.name.substr(0, kind.name.find('.')));
  return !nearest(stem, stems).empty() || !foreign_advice(stem).empty();
}

std::vector<ConfigError> sorted(std::vector<ConfigError> errors) {
  std::ranges::stable_sort(errors, {}, [](const ConfigError& error) {
    return std::tuple(error.origin.kind, error.origin.reading, error.origin.line);
  });
  return errors;
}

bool is_known_section(std::string_view name) {
  const auto* kind = find_section_kind(name);
  if (kind == nullptr) return false;
  return !takes_a_name(*kind) || is_config_name(name.substr(name.find('.') + 1));
}

}  // namespace

Configuration::Configuration(const ConfigInput& input)
    : errors_(input.errors), warnings_(input.warnings) {
  for (const auto& kind : section_kinds())
    if (!takes_a_name(kind)) open_section(std::string(kind.name), {});

  std::set<std::string> unknown;
  for (const auto& header : input.sections) {
    if (is_known_section(header.name)) {
      open_section(header.name, header.origin);
    } else {
      add_error(header.origin, unknown_section(header.name));
      unknown.insert(header.name);
    }
  }
  for (const auto& assignment : input.assignments)
    if (!unknown.contains(assignment.section) && !is_of_others(assignment)) apply(assignment);
}

// A variable that something else has set is ignored with a warning. What looks like a key of ours
// that is misspelt is an error there as well.
bool Configuration::is_of_others(const Assignment& assignment) {
  const auto& [section, name, text, origin] = assignment;
  if (origin.kind != Origin::Kind::environment) return false;
  const bool is_known = is_known_section(section);
  if (is_known && find_key(section, name) != nullptr) return false;
  if (!is_injected(origin.name) && resembles_ours(section)) return false;
  warnings_.push_back({origin, path_of(section, name),
                       "ignored: " + (is_known ? "unknown key" : unknown_section(section))});
  return true;
}

Configuration::Section& Configuration::open_section(const std::string& name, const Origin& origin) {
  const auto existing = std::ranges::find(sections_, name, &Section::name);
  if (existing != sections_.end()) return *existing;
  const SectionKind* kind = find_section_kind(name);
  Section section{kind, name, origin, {}};
  for (const Key* key : keys_of(*kind)) {
    auto fallback = parse_key_value(*key, key->fallback);
    FAIRLEAD_CHECK(fallback);  // a test checks every default
    section.settings.push_back({key, std::string(key->fallback), std::move(*fallback), {}});
  }
  // Sections stand in the order of their kinds, which lie in one array.
  const auto place =
      std::ranges::find_if(sections_, [&](const Section& other) { return other.kind > kind; });
  return *sections_.insert(place, std::move(section));
}

void Configuration::apply(const Assignment& assignment) {
  const auto& [section, name, text, origin] = assignment;
  const auto fail = [&](std::string what) {
    errors_.push_back({origin, path_of(section, name), std::move(what)});
  };
  if (!is_known_section(section)) return fail(unknown_section(section));
  const Key* key = find_key(section, name);
  if (key == nullptr) return fail(unknown_key(section, name));
  auto& settings = open_section(section, origin).settings;
  Setting& setting = *std::ranges::find(settings, key, &Setting::key);
  if (auto parsed = parse_key_value(*key, text)) {
    setting = {key, text, std::move(*parsed), origin, setting.has_error};
  } else {
    setting.has_error = true;
    fail(std::move(parsed.error().what));
  }
}

std::vector<std::string> Configuration::names_of(std::string_view stem) const {
  std::vector<std::string> names;
  const std::string start = std::string(stem) + ".";
  for (const auto& section : sections_)
    if (section.name.starts_with(start)) names.push_back(section.name.substr(start.size()));
  return names;
}

const std::string& Configuration::text(std::string_view section, std::string_view key) const {
  return std::get<std::string>(value(section, key));
}

const std::vector<std::string>& Configuration::list(std::string_view section,
                                                    std::string_view key) const {
  return std::get<std::vector<std::string>>(value(section, key));
}

bool Configuration::flag(std::string_view section, std::string_view key) const {
  return std::get<bool>(value(section, key));
}

std::uint64_t Configuration::number(std::string_view section, std::string_view key,
                                    std::uint64_t otherwise) const {
  const KeyValue& found = value(section, key);
  if (std::holds_alternative<std::monostate>(found)) return otherwise;
  return std::get<std::uint64_t>(found);
}

Duration Configuration::duration(std::string_view section, std::string_view key,
                                 Duration otherwise) const {
  return Duration(number(section, key, static_cast<std::uint64_t>(otherwise.count())));
}

Origin Configuration::origin_of(std::string_view section, std::string_view key) const {
  const Setting* setting = find(section, key);
  if (setting != nullptr && setting->origin.kind != Origin::Kind::fallback) return setting->origin;
  const Section* found = find_section(section);
  return found == nullptr ? Origin{} : found->origin;
}

bool Configuration::is_changed(std::string_view section, std::string_view key) const noexcept {
  const Setting* setting = find(section, key);
  return setting != nullptr && setting->text != setting->key->fallback;
}

const std::string& Configuration::written(std::string_view section, std::string_view key) const {
  const Setting* setting = find(section, key);
  FAIRLEAD_CHECK(setting != nullptr);
  return setting->text;
}

bool Configuration::agrees_with(const Configuration& other, std::string_view section,
                                std::string_view key) const {
  return value(section, key) == other.value(section, key);
}

void Configuration::keep_until_restart(const Configuration& running) {
  for (Section& section : sections_)
    for (Setting& setting : section.settings) {
      if (setting.key->reload != Reload::restart) continue;
      if (const Setting* kept = running.find(section.name, setting.key->name)) setting = *kept;
    }
}

void Configuration::add_error(std::string_view section, std::string_view key, std::string what) {
  if (const Setting* setting = find(section, key); setting != nullptr && setting->has_error) return;
  errors_.push_back({origin_of(section, key), path_of(section, key), std::move(what)});
}

void Configuration::add_error(Origin origin, std::string what) {
  errors_.push_back({std::move(origin), {}, std::move(what)});
}

std::vector<ConfigError> Configuration::errors() const { return sorted(errors_); }
std::vector<ConfigError> Configuration::warnings() const { return sorted(warnings_); }

std::string Configuration::listing() const {
  std::string out;
  for (const auto& section : sections_) {
    out += (out.empty() ? "[" : "\n[") + section.name + "]\n";
    for (const auto& setting : section.settings) {
      std::string line = std::string(setting.key->name) + " = " + written_value(setting.text);
      line.resize(std::max(line.size(), kCommentColumn), ' ');
      out += line + " # " + reload_letter(setting.key->reload) + " " +
             escaped(setting.origin.text()) + "\n";
    }
  }
  return out;
}

const Configuration::Section* Configuration::find_section(std::string_view name) const noexcept {
  const auto found = std::ranges::find(sections_, name, &Section::name);
  return found == sections_.end() ? nullptr : &*found;
}

const Configuration::Setting* Configuration::find(std::string_view section,
                                                  std::string_view key) const noexcept {
  const Section* found = find_section(section);
  if (found == nullptr) return nullptr;
  const auto setting =
      std::ranges::find(found->settings, key, [](const Setting& each) { return each.key->name; });
  return setting == found->settings.end() ? nullptr : &*setting;
}

const KeyValue& Configuration::value(std::string_view section, std::string_view key) const {
  const Setting* setting = find(section, key);
  FAIRLEAD_CHECK(setting != nullptr);
  return setting->value;
}

}  // namespace fairlead
