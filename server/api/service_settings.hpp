// One [service.NAME] section as plain values. Defaults stand in the key table of common/config.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/time.hpp"
#include "common/protocol/text_settings.hpp"
#include "common/text/client_encoding.hpp"

namespace fairlead {

// Lines for stdout, as the tutorials' servers print them; empty: nothing. Placeholders as in
// docs/configuration.md.
struct TranscriptSettings {
  std::string on_connect, on_message, on_close, on_missing;

  bool operator==(const TranscriptSettings&) const = default;
};

struct FileSettings {
  std::string service;         // whose max_downloads this is, over all shards
  std::string root;            // empty: nothing is served
  std::uint64_t max_rate = 0;  // bytes/s per download; 0: no limit
  std::uint64_t max_downloads = 0;
  bool symlinks = false, hidden = false;

  bool operator==(const FileSettings&) const = default;
};

struct ServiceSettings {
  std::string name, type;
  std::string greeting;  // UTF-8; empty: none
  std::string text;      // UTF-8; what `reply` answers
  EncodingSettings encoding;
  TextSettings text_rules;        // where a text message ends
  std::uint64_t close_after = 0;  // messages; 0: never
  TranscriptSettings transcript;
  FileSettings file;

  bool operator==(const ServiceSettings&) const = default;
};

}  // namespace fairlead
