// Makes the messages of a load test, and makes them again to check their replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_key.hpp"
#include "client/bench/workload/message_template.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// Constant once made, so that several threads may share one.
class MessageSource {
 public:
  // Throws SettingError.
  MessageSource(const MessageSettings& settings, std::uint64_t seed);

  // The message of `key`, always the same. A view of this object or of `scratch`, valid until the
  // next call with the same scratch. Does not allocate once the scratch has bytes_max().
  Bytes message(const MessageKey& key, std::string& scratch) const {
    return templates_.empty() ? letters(key, scratch) : text(key, scratch);
  }

  // No message is longer.
  std::size_t bytes_max() const noexcept { return bytes_max_; }

 private:
  // Inline, because it runs for every message and every reply.
  Bytes letters(const MessageKey& key, std::string& scratch) const {
    // Odd steps: kPlaces consecutive messages of a connection differ, and so do the first messages
    // of as many connections.
    const std::uint64_t place = (key.of_connection * 37 + key.connection * 1009) % kPlaces;
    if (has_lines_) return {letters_.data() + place * size_max_, size_max_};
    const Bytes found(letters_.data() + place, size_min_ == size_max_ ? size_max_ : size(key));
    return ends_lines_ ? ended_line(found, scratch) : found;
  }
  static Bytes ended_line(Bytes found, std::string& scratch) {
    scratch = found;
    scratch.back() = '\n';
    return scratch;
  }
  std::uint32_t size(const MessageKey& key) const noexcept;
  Bytes text(const MessageKey& key, std::string& scratch) const;

  // The places in the table of letters where a message may begin. A power of two, and small enough
  // for the first-level cache.
  static constexpr std::uint64_t kPlaces = 4096;
  // Short lines of equal size are kept whole: making one costs as much as sending it.
  static constexpr std::uint32_t kLineKeptMax = 256;

  std::uint64_t seed_;
  std::vector<MessageTemplate> templates_;  // of the texts; empty: random letters
  std::string letters_;                     // the table of which each message is a part
  std::uint32_t size_min_;
  std::uint32_t size_max_;
  bool ends_lines_;
  bool has_lines_ = false;  // the table is made of whole lines
  std::size_t bytes_max_ = 0;
};

// The lines of a file as MessageSettings::texts: without CR LF or LF, without empty lines, braces
// and backslashes taken literally. Throws SettingError if there is no message.
std::vector<std::string> texts_of_lines(std::string_view contents);

}  // namespace fairlead
