// The expected reply to each message, and how a reply differs from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_key.hpp"
#include "common/base/bytes.hpp"
#include "common/text/encoding.hpp"

namespace re2 {
class RE2;
}

namespace fairlead {

// Reads "echo", "none", "len:N", "re:PATTERN", "text:TEXT" or any other TEXT. A TEXT may hold
// escapes and is written in `encoding`; "text:" is for one that looks like another form. Throws
// SettingError.
ExpectationSettings parse_expectation(std::string_view words, Encoding encoding = Encoding::utf8);

// Constant once made. Threads may share one. With a pattern each should have its own: RE2 locks its
// cache.
class Expectation {
 public:
  // Throws SettingError for a pattern that RE2 rejects.
  explicit Expectation(const ExpectationSettings& settings);
  ~Expectation();
  Expectation(Expectation&&) noexcept;
  Expectation(const Expectation&) = delete;

  ExpectationSettings::Kind kind() const noexcept { return settings_.kind; }
  bool awaits_reply() const noexcept { return kind() != ExpectationSettings::Kind::none; }

  // The length of a reply is known beforehand, so that plain-text replies need no end of line.
  // Otherwise (a pattern) the protocol must mark the end.
  bool reply_is_stream() const noexcept;

  // The expected reply to `message`: `message` itself, or the text. Empty if any bytes are right.
  // Lives as long as `message` and this object.
  Bytes expected(Bytes message) const noexcept {
    if (kind() == ExpectationSettings::Kind::echo) return message;
    return kind() == ExpectationSettings::Kind::text ? Bytes(settings_.text) : Bytes();
  }

  // Length of the reply to `message` in bytes; only if reply_is_stream().
  std::uint64_t expected_length(Bytes message) const noexcept {
    return kind() == ExpectationSettings::Kind::length ? settings_.length
                                                       : expected(message).size();
  }

  // Plain text, if reply_is_stream(): checks a delivery against the reply to `message`, of which
  // `received` right bytes came before. Returns how many bytes at its front belong to the reply, if
  // all of those are right.
  std::optional<std::size_t> check_stream(Bytes delivery, Bytes message,
                                          std::uint64_t received) const noexcept;

  // The received part of a reply that check_stream() found wrong: the earlier bytes, if they are
  // known, and the delivery. For is_order_mismatch() and mismatch().
  std::string came(Bytes delivery, Bytes message, std::uint64_t received) const;

  // Checks a whole reply, if the protocol marks its end. Empty: it is right. `length` if one of the
  // two is the beginning of the other, or if it is not N bytes long; else `content`.
  std::optional<MismatchKind> check_whole(Bytes reply, Bytes message) const;

  // The received bytes are the beginning of the reply to another pending message: the order is
  // wrong, not the content.
  bool is_order_mismatch(Bytes came, Bytes other_message) const noexcept;

  // Describes a wrong reply. `message` is empty for an unasked one.
  Mismatch mismatch(MismatchKind kind, const MessageKey& key, Bytes message, Bytes came) const;

 private:
  ExpectationSettings settings_;
  std::unique_ptr<const re2::RE2> pattern_;  // null unless kind is pattern
};

}  // namespace fairlead
