#include "client/bench/workload/message_source.hpp"

#include <algorithm>

#include "client/bench/workload/load.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {
namespace {

std::string as_line(std::string_view text) {
  return std::string(text) + (text.ends_with('\n') ? "" : "\n");
}

// Checks the sizes of messages of letters.
void check_sizes(const MessageSettings& settings) {
  if (settings.size_min > settings.size_max)
    throw SettingError("sizes from " + std::to_string(settings.size_min) + " to " +
                       std::to_string(settings.size_max) + ": the first must not be the greater");
  if (settings.size_max > kMessageBytesCeiling)
    throw SettingError("a size of " + std::to_string(settings.size_max) +
                       " bytes: no message is longer than " + std::to_string(kMessageBytesCeiling));
  if (settings.ends_lines && settings.size_min == 0)
    throw SettingError("a size of 0 bytes leaves no room for the end of the line");
}

}  // namespace

MessageSource::MessageSource(const MessageSettings& settings, std::uint64_t seed)
    : seed_(seed),
      size_min_(settings.size_min),
      size_max_(settings.size_max),
      ends_lines_(settings.ends_lines) {
  templates_.reserve(settings.texts.size());
  for (const std::string& text : settings.texts) {
    templates_.emplace_back(settings.ends_lines ? as_line(text) : text, settings.encoding);
    bytes_max_ = std::max(bytes_max_, templates_.back().bytes_max());
  }
  if (!templates_.empty()) return;

  check_sizes(settings);
  bytes_max_ = size_max_;
  KeyedRandom random(seed, {});
  has_lines_ = ends_lines_ && size_min_ == size_max_ && size_max_ <= kLineKeptMax;
  letters_.resize(has_lines_ ? kPlaces * size_max_ : kPlaces + size_max_);
  std::ranges::generate(letters_, [&random] { return random.letter(); });
  for (std::size_t end = size_max_; has_lines_ && end <= letters_.size(); end += size_max_)
    letters_[end - 1] = '\n';
}

Bytes MessageSource::text(const MessageKey& key, std::string& scratch) const {
  const MessageTemplate& text = templates_[key.of_connection % templates_.size()];
  if (const auto constant = text.constant()) return *constant;
  scratch.clear();
  text.append(scratch, seed_, key);
  return scratch;
}

std::uint32_t MessageSource::size(const MessageKey& key) const noexcept {
  return size_min_ + KeyedRandom(seed_, key).below(size_max_ - size_min_ + 1);
}

std::vector<std::string> texts_of_lines(std::string_view contents) {
  std::vector<std::string> texts;
  while (!contents.empty()) {
    const std::size_t newline = std::min(contents.find('\n'), contents.size());
    std::string_view line = contents.substr(0, newline);
    contents.remove_prefix(std::min(newline + 1, contents.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) texts.push_back(literal_template(line));
  }
  if (texts.empty()) throw SettingError("the file holds no message: every line of it is empty");
  return texts;
}

}  // namespace fairlead
