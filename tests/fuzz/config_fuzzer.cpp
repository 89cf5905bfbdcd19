// The configuration's reader, values and key table: one byte chooses; the rest is a file, and after
// each NUL byte another one, which it may include as "1", "2" and so on.
#include <string>

#include "common/base/check.hpp"
#include "common/config/configuration.hpp"
#include "common/config/quoting.hpp"
#include "common/config/reader.hpp"
#include "common/net/endpoint.hpp"
#include "common/text/encoding.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/unit/config/fake_files.hpp"

namespace fairlead {
namespace {

const Environment kEnvironment{
    {"HOME", "/home/\"user\" #1"}, {"EMPTY", ""}, {"FAIRLEAD_LIMITS__MAX_MESSAGE", "2MiB"}};

std::map<std::string, std::string> files_of(Bytes bytes) {
  std::map<std::string, std::string> texts;
  for (int number = 0;; ++number) {
    const std::size_t end = bytes.find('\0');
    texts[std::to_string(number)] = bytes.substr(0, end);
    if (end == Bytes::npos) return texts;
    bytes.remove_prefix(end + 1);
  }
}

Configuration configuration_of(const std::map<std::string, std::string>& texts,
                               const Environment& environment) {
  FakeFiles files(texts);
  ConfigInput input;
  read_config_file(input, "0", files, environment);
  add_environment(input, environment);
  return Configuration(input);
}

// Every error is one line that a terminal can show.
void check_errors(const Configuration& config) {
  for (const ConfigError& error : config.errors()) {
    const std::string text = error.text();
    FAIRLEAD_CHECK(!error.what.empty());
    FAIRLEAD_CHECK(is_utf8(text));
    FAIRLEAD_CHECK(std::all_of(text.begin(), text.end(),
                               [](char c) { return octet(c) >= 0x20 && c != 0x7f; }));
  }
}

// A listing without where its values came from.
std::string values_of(const std::string& listing) {
  std::string values;
  std::size_t at = 0;
  while (at < listing.size()) {
    const std::size_t end = listing.find('\n', at);
    const std::string line = listing.substr(at, end - at);
    values += line.substr(0, line.rfind(" # ")) + "\n";
    at = end + 1;
  }
  return values;
}

// -T prints a file that says the same.
void check_listing(const Configuration& config) {
  const std::string listing = config.listing();
  const Configuration again = configuration_of({{"0", listing}}, {});
  FAIRLEAD_CHECK(again.errors().empty());
  FAIRLEAD_CHECK(values_of(again.listing()) == values_of(listing));
}

void check_configuration(Bytes bytes) {
  const Configuration config = configuration_of(files_of(bytes), kEnvironment);
  check_errors(config);
  if (config.errors().empty()) check_listing(config);
}

// A value is read back as it was written, whatever it is.
void check_value(Bytes bytes) {
  const auto read = read_value(written_value(bytes), {});
  FAIRLEAD_CHECK(read && *read == bytes);
  const auto free = read_value(bytes, kEnvironment);
  FAIRLEAD_CHECK(free || !free.error().what.empty());
}

// An address that is understood is written in a form that means the same.
void check_addresses(Bytes bytes) {
  const Result<Endpoint> parsed = parse_endpoint(bytes, std::uint16_t{7878});
  FAIRLEAD_CHECK(parsed ? parse_endpoint(parsed->text()) == *parsed : !parsed.error().what.empty());
  if (const auto block = parse_address_block(bytes))
    FAIRLEAD_CHECK(parse_address_block(block->text()) == block);
}

// Each key judges each text without harm, and says why it refuses one.
void check_keys(Bytes bytes) {
  for (const Key& key : all_keys()) {
    const auto parsed = parse_key_value(key, bytes);
    FAIRLEAD_CHECK(parsed || !parsed.error().what.empty());
  }
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::FuzzInput input(data, size);
  switch (input.below(5)) {
    case 0:
      fairlead::check_value(input.rest());
      break;
    case 1:
      fairlead::check_addresses(input.rest());
      break;
    case 2:
      fairlead::check_keys(input.rest());
      break;
    default:
      fairlead::check_configuration(input.rest());
  }
  return 0;
}
