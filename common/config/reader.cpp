#include "common/config/reader.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/config/key_table.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/text/encoding.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The path up to its last slash: the prefix of relative includes.
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

bool is_pattern(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

// "server" or "listener.main": one or two names.
bool is_section_name(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return is_config_name(name);
  return is_config_name(name.substr(0, dot)) && is_config_name(name.substr(dot + 1));
}

// Text in which a # may well be meant.
bool is_prose(KeyType type) { return type == KeyType::text || type == KeyType::message; }

// The reason why the line is no text at all, or nothing.
std::string broken_bytes(std::string_view line) {
  if (line.size() > kConfigLineBytesMax)
    return "longer than " + std::to_string(kConfigLineBytesMax) + " bytes";
  for (const char c : line) {
    if (c == '\0') return "a NUL byte: is this a text file?";
    if ((octet(c) < 0x20 && c != '\t') || octet(c) == 0x7F)
      return "a control byte: write it as \\xNN within quotes";
  }
  if (!is_utf8(line))
    return "not UTF-8: save the file as UTF-8, or write bytes as \\xNN within quotes";
  return {};
}

// A file that is being read.
struct Reading {
  std::string path;
  std::size_t number;  // counted from 1, in reading order
  std::size_t line = 0;
  std::string section = {};        // the last header; empty: none yet
  bool section_is_broken = false;  // the header has an error: its keys are skipped
  std::map<std::pair<std::string, std::string>, std::size_t> lines_of_keys = {};
};

class Reader {
 public:
  Reader(ConfigInput& input, ConfigFiles& files, const Environment& environment)
      : input_(input), files_(files), environment_(environment) {}

  // `origin` and `key` name the include, for an error.
  void read_file(const std::string& path, const Origin& origin, const std::string& key,
                 const std::string& complaint) {
    if (++files_read_ > kConfigFilesMax) {
      if (files_read_ == kConfigFilesMax + 1)
        input_.errors.push_back(
            {origin, key, "more than " + std::to_string(kConfigFilesMax) + " files"});
      return;
    }
    const FileText file = files_.read(path);
    if (!file.text) {
      input_.errors.push_back({origin, key, complaint + file.error});
      return;
    }
    open_.push_back({.path = path, .number = files_read_});
    read_lines(*file.text);
    open_.pop_back();
  }

 private:
  void read_lines(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      auto line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++current().line;
      read_line(line);
    }
  }

  void read_line(std::string_view line) {
    if (auto error = broken_bytes(line); !error.empty()) return add_error({}, std::move(error));
    const auto text = trimmed(line);
    if (text.empty() || text.starts_with('#')) return;
    if (text.starts_with('[')) return read_header(text);

    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
      return add_error({}, shown(text) + " is neither [section] nor key = value");
    const auto key = trimmed(text.substr(0, equals));
    const auto raw = text.substr(equals + 1);
    if (key == "include") return read_include(raw);
    read_key(key, raw);
  }

  void read_header(std::string_view text) {
    const auto close = text.find(']');
    // After a broken header the keys belong to no known section.
    current().section_is_broken = true;
    if (close == std::string_view::npos) return add_error({}, shown(text) + " lacks its ]");
    const auto rest = text.substr(close + 1);
    if (!trimmed(rest).empty() && (!trimmed(rest).starts_with('#') || rest.starts_with('#')))
      return add_error({}, shown(trimmed(rest)) + " stands behind the section's name");
    const auto name = trimmed(text.substr(1, close - 1));
    if (!is_section_name(name))
      return add_error({},
                       shown(text.substr(0, close + 1)) +
                           " is not [section] or [section.name] of lower-case letters, digits and "
                           "single _");
    current().section = name;
    current().section_is_broken = false;
    input_.sections.push_back({std::string(name), here()});
  }

  void read_key(std::string_view key, std::string_view raw) {
    if (current().section_is_broken) return;
    if (!is_config_name(key))
      return add_error({},
                       shown(key) + " is not a key: write lower-case letters, digits and single _");
    if (current().section.empty())
      return add_error(std::string(key),
                       "stands before the first [section]" + did_you_mean(key, {"include"}));

    const std::string path = current().section + "." + std::string(key);
    const auto [first, is_new] =
        current().lines_of_keys.try_emplace({current().section, std::string(key)}, current().line);
    if (!is_new)
      return add_error(path, "given twice, first in line " + std::to_string(first->second));
    auto value = read_value(raw, environment_);
    if (!value) return add_error(path, std::move(value.error().what));
    if (const Key* known = find_key(current().section, key);
        known != nullptr && is_prose(known->type) && has_tight_comment(raw))
      input_.warnings.push_back(
          {here(), path,
           "the value ends at the #, which begins a comment; put quotes around the value if the # "
           "is part of it"});
    input_.assignments.push_back({current().section, std::string(key), std::move(*value), here()});
  }

  void read_include(std::string_view raw) {
    const auto value = read_value(raw, environment_);
    if (!value) return add_error("include", value.error().what);
    if (value->empty()) return add_error("include", "names no file");
    if (value->find('\0') != std::string::npos)
      return add_error("include", "a path cannot hold a NUL byte");
    if (open_.size() >= kIncludeDepthMax)
      return add_error(
          "include", "more than " + std::to_string(kIncludeDepthMax) + " files within each other");
    const std::string folder = folder_of(current().path);
    if (is_pattern(*value)) {
      // A pattern may match nothing, as conf.d is often empty; a plain name must exist.
      const auto matches = files_.matching(folder, *value);
      if (!matches)
        return add_error("include", shown(*value) + " cannot be searched: " + matches.error().what);
      for (const auto& path : *matches) include(path);
    } else {
      include(value->starts_with('/') ? *value : folder + *value);
    }
  }

  void include(const std::string& path) {
    const auto same = std::ranges::find(open_, path, &Reading::path);
    if (same == open_.end())
      return read_file(path, here(), "include", shown(path) + " cannot be read: ");
    std::string circle;
    for (auto file = same; file != open_.end(); ++file) circle += escaped(file->path) + " -> ";
    add_error("include", "files include each other in a circle: " + circle + escaped(path));
  }

  Reading& current() { return open_.back(); }

  Origin here() {
    return {.kind = Origin::Kind::file,
            .name = current().path,
            .line = current().line,
            .reading = current().number};
  }

  void add_error(std::string key, std::string what) {
    input_.errors.push_back({here(), std::move(key), std::move(what)});
  }

  ConfigInput& input_;
  ConfigFiles& files_;
  const Environment& environment_;
  std::vector<Reading> open_;  // each file includes the next
  std::size_t files_read_ = 0;
};

}  // namespace

void read_config_file(ConfigInput& input, const std::string& path, ConfigFiles& files,
                      const Environment& environment) {
  Reader(input, files, environment)
      .read_file(path, {.kind = Origin::Kind::file, .name = path}, {}, "cannot be read: ");
}

}  // namespace fairlead
