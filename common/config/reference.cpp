#include "common/config/reference.hpp"

#include <algorithm>
#include <string_view>

#include "common/config/key_table.hpp"
#include "common/config/quoting.hpp"
#include "common/config/source.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration of `fairleadd`

<!-- Written by the key table (common/config). FAIRLEAD_UPDATE_DOCS=1 unit_config writes it anew. -->

`fairleadd -c FILE` reads FILE; without `-c` it reads `/etc/fairlead/fairleadd.conf` where that exists.
`config/fairleadd.conf` is a ready file that shows every key. `fairleadd -t` checks a configuration, `-T` prints every
key with its value, where the value comes from and its class. All mistakes are listed at once, as
`file:line: key: what is wrong`, and nothing starts (exit status 6).

**Class** says when a change takes effect once the daemon can reload its configuration: **L** at once, for those
connected too; **N** for new connections; **R** with the next start. Until then every change needs a restart. An empty
default means: not set.

## What wins

From strongest to weakest:

1. the command line: `-p PORT`, then `--listen ADDRESS`, then `--set section.key=value` (a later one before an earlier one);
2. the environment: `FAIRLEAD_SECTION__KEY` for `[section] key`, `FAIRLEAD_SECTION__NAME__KEY` for `[section.NAME] key`,
   all in upper case; variables without `__` are ignored, and one that names no key is an error as in a file;
3. files, the later line before the earlier one; within one file a key may be given once;
4. the default.

`--listen ADDRESS` replaces `bind` of `[listener.main]`, or of the only listener; where there is none, it makes a
`[listener.main]` with the service `echo`. `-p PORT` replaces the port in `bind` of `[listener.main]`, or of the only
listener.
)";

constexpr std::string_view kRemoved = R"(
## Removed keys

A key that earlier versions had is an error in a file, in the environment and on the command line. The error says what to do.

| key | error |
| --- | --- |
)";

constexpr std::string_view kSyntax = R"(
## Syntax

```ini
# A comment stands at the beginning of a line or behind white space.
include = conf.d/*.conf          # relative to this file; the files of a pattern in the order of their names

[listener.main]                  # names: lower-case letters, digits and single _, beginning with a letter
bind = :7878, unix:/run/fairlead/main.sock

[service.greeter]
greeting = "a # b\n"             # quotes keep #, spaces and \n \t \r \\ \" \$ \xNN
root = ${HOME:-/srv}/files       # ${VAR} must be set; ${VAR:-default} is for unset or empty variables
```

* Files are UTF-8, with lines of at most 64 KiB ending in LF or CRLF. A section may be opened several times.
* An include stands for the lines of its files, so what follows it wins over them. A pattern may match nothing; a plain
  name must exist. Files may include files, 8 deep, in no circle.
* `\$` within quotes keeps a `${` from being a variable. Values of `--set` and of the environment are taken as they are.

| type | how it is written |
| --- | --- |
| duration | a number and `ms`, `s`, `m`, `h` or `d`; a bare number is seconds: `20ms`, `1.5s`, `10m` |
| size | bytes, or a number and `k`, `m`, `g` or `KiB`, `MiB`, `GiB`, powers of 1024: `64k`, `1MiB` |
| number, rate | digits, or a number and `k` or `m`, powers of 1000: `10k` |
| yes or no | `yes`, `true`, `on`; `no`, `false`, `off` |
| name | of a `[service.NAME]` section, or of a service type |
| addresses | with commas between them: `host:port`, `[v6]:port`, `:port`, `unix:/path` |
| address blocks | with commas between them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32` |
| text with placeholders | `{text}` the message, `{len}` its length in bytes, `{ip}` and `{port}` of the client, `{peer}` both as Python prints them, `{id}` the number of the connection; any other `{word}` is an error |
)";

constexpr std::size_t kTerminalColumns = 100;
constexpr std::size_t kHelpColumn = 34;

// "[listener.NAME]"
std::string header_of(const SectionKind& kind) {
  std::string name(kind.name);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, "NAME");
  return "[" + name + "]";
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : "`" + std::string(text) + "`";
}

std::string variable_row(const Key& key) {
  std::string section(key.section);
  if (section.ends_with('*')) section.replace(section.size() - 1, 1, "NAME");
  return variable_of(section, key.name);
}

std::string unit_and_type(const Key& key) {
  std::string text(type_text(key));
  if (!key.unit.empty() && key.unit != "bytes") text += ", " + std::string(key.unit);
  return text;
}

std::string section_page(const SectionKind& kind) {
  std::string out = "\n## " + header_of(kind) + "\n\n" + std::string(kind.help) + "\n\n";
  out += "| key | type | default | range | class | meaning | variable |\n";
  out += "| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Key* key : keys_of(kind)) {
    out += "| " + code(key->name) + " | " + unit_and_type(*key) + " | " + code(key->fallback) +
           " | " + range_text(*key) + " | " + reload_letter(key->reload) + " | " +
           std::string(key->help) + " | " + code(variable_row(*key)) + " |\n";
  }
  return out;
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

std::string reference_page() {
  std::string out(kIntroduction);
  for (const auto& kind : section_kinds()) out += section_page(kind);
  out += kRemoved;
  for (const RemovedKey& key : removed_keys())
    out += "| `" + std::string(key.section) + "." + std::string(key.name) + "` | " +
           std::string(key.advice) + " |\n";
  return out + std::string(kSyntax);
}

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
