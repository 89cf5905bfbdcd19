// Makes the messages of a load test, and makes them once more when their replies are checked.
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

  // The message of `key`; the same one whenever it is asked for. A view of what this object owns,
  // or of `scratch`, so it dies with the next call that is given the same scratch. Takes no memory
  // once the scratch has grown to bytes_max().
  Bytes message(const MessageKey& key, std::string& scratch) const {
    return templates_.empty() ? letters(key, scratch) : text(key, scratch);
  }

  // No message is longer.
  std::size_t bytes_max() const noexcept { return bytes_max_; }

 private:
  // Made for every message that is sent, and for every reply: so in the caller's code.
  Bytes letters(const MessageKey& key, std::string& scratch) const {
    // Odd steps: each of kPlaces messages in a row of a connection is another one, and so are the
    // first messages of as many connections.
    const std::uint64_t place = (key.of_connection * 37 + key.connection * 1009) % kPlaces;
    if (has_lines_) return {letters_.data() + place * size_most_, size_most_};
    const Bytes found(letters_.data() + place, size_least_ == size_most_ ? size_most_ : size(key));
    return ends_lines_ ? ended_line(found, scratch) : found;
  }
  static Bytes ended_line(Bytes found, std::string& scratch) {
    scratch = found;
    scratch.back() = '\n';
    return scratch;
  }
  std::uint32_t size(const MessageKey& key) const noexcept;
  Bytes text(const MessageKey& key, std::string& scratch) const;

  // Of letters: so many places in the table at which a message may begin. A power of two, and small
  // enough that the table stays in the first-level cache.
  static constexpr std::uint64_t kPlaces = 4096;
  // Short lines, all of a size, are kept whole: to put one together costs as much as to send it.
  static constexpr std::uint32_t kLineKeptMax = 256;

  std::uint64_t seed_;
  std::vector<MessageTemplate> templates_;  // of the texts; empty: random letters
  std::string letters_;                     // the table of which each message is a part
  std::uint32_t size_least_;
  std::uint32_t size_most_;
  bool ends_lines_;
  bool has_lines_ = false;  // the table is made of whole lines
  std::size_t bytes_max_ = 0;
};

// What MessageSettings::texts is for the contents of a file: one message a line, CR LF or LF left
// out, empty lines skipped; braces and backslashes stand for themselves. Throws SettingError when
// there is no message in it.
std::vector<std::string> texts_of_lines(std::string_view contents);

}  // namespace fairlead
