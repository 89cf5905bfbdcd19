#include "common/config/option_table.hpp"

#include <boost/any.hpp>
#include <boost/make_shared.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

#include "common/base/check.hpp"

namespace fairlead {
namespace {

namespace po = boost::program_options;

// Teaches Program_options to read a row of our table.
class KeySemantic final : public po::value_semantic {
 public:
  explicit KeySemantic(const Key& key) : key_(key) {}

  std::string name() const override { return std::string(type_text(key_)); }
  unsigned min_tokens() const override { return 1; }
  unsigned max_tokens() const override { return 1; }
  bool is_composing() const override { return false; }
  bool is_required() const override { return false; }
  void notify(const boost::any&) const override {}

  void parse(boost::any& store, const std::vector<std::string>& tokens, bool) const override {
    store = value_of(tokens.front(), false);
  }
  bool apply_default(boost::any& store) const override {
    store = value_of(std::string(key_.fallback), true);
    return true;
  }

 private:
  OptionValue value_of(const std::string& text, bool is_default) const {
    auto parsed = parse_key_value(key_, text);
    FAIRLEAD_CHECK(parsed.value);  // who feeds us has looked; defaults are checked by a test
    return {text, std::move(*parsed.value), is_default};
  }

  const Key& key_;
};

}  // namespace

std::map<std::string, OptionValue> fill_option_table(
    const std::vector<std::string>& sections, const std::map<std::string, std::string>& given) {
  po::options_description table;
  for (const auto& section : sections) {
    for (const Key* key : keys_of(*find_section_kind(section))) {
      const std::string path = section + "." + std::string(key->name);
      table.add(boost::make_shared<po::option_description>(path.c_str(), new KeySemantic(*key)));
    }
  }

  po::parsed_options parsed(&table);
  for (const auto& [path, text] : given) parsed.options.emplace_back(path, std::vector{text});
  po::variables_map values;
  po::store(parsed, values);

  std::map<std::string, OptionValue> result;
  for (const auto& [path, value] : values) result.emplace(path, value.as<OptionValue>());
  return result;
}

}  // namespace fairlead
