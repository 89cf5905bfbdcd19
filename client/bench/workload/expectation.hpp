// What must come back for each message, and what is wrong with what came.
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

// What a delivery is to the reply that is waited for.
struct StreamCheck {
  enum class State : std::uint8_t {
    more,      // all of the delivery belongs to the reply, which goes on
    complete,  // the reply ends behind `consumed` bytes; what follows belongs to the next one
    wrong      // the byte behind `consumed` ones is not the one that must come
  };
  State state = State::more;
  std::size_t consumed = 0;  // bytes at the front of the delivery that are right
};

// Constant once made. Threads may share one; with a pattern each does better with its own, because
// RE2 guards what it has learnt by a lock.
class Expectation {
 public:
  // Throws SettingError for a pattern that RE2 does not take.
  explicit Expectation(const ExpectationSettings& settings);
  ~Expectation();
  Expectation(Expectation&&) noexcept;
  Expectation(const Expectation&) = delete;

  ExpectationSettings::Kind kind() const noexcept { return settings_.kind; }
  bool awaits_reply() const noexcept { return kind() != ExpectationSettings::Kind::none; }

  // How long a reply is, is known beforehand: in plain text replies are told apart by that and need
  // no end of line. Else (a pattern) something must say where a reply is complete.
  bool reply_is_stream() const noexcept;

  // The bytes that must come for `message`: `message` itself, or the text. Empty where any bytes
  // may come. Lives as long as `message` and this object.
  Bytes expected(Bytes message) const noexcept {
    if (kind() == ExpectationSettings::Kind::echo) return message;
    return kind() == ExpectationSettings::Kind::text ? Bytes(settings_.text) : Bytes();
  }

  // Of the reply to `message`, in bytes; only where reply_is_stream().
  std::uint64_t expected_length(Bytes message) const noexcept {
    return kind() == ExpectationSettings::Kind::length ? settings_.length
                                                       : expected(message).size();
  }

  // Plain text, where reply_is_stream(): holds what was delivered against the reply to `message`,
  // of which `received` bytes have come before and were right.
  StreamCheck check_stream(Bytes delivery, Bytes message, std::uint64_t received) const noexcept;

  // What had come of a reply when check_stream() found it wrong: the bytes before, and the
  // delivery. For is_order_mismatch() and mismatch(). For a reply of any bytes the ones before are
  // not known, and left out.
  std::string came(Bytes delivery, Bytes message, std::uint64_t received) const;

  // A whole reply, where the protocol says where it ends. Nothing: it is right. `length` when it is
  // the beginning of the right one, or that and more, or not N bytes long; else `content`.
  std::optional<MismatchKind> check_whole(Bytes reply, Bytes message) const;

  // A wrong reply is, so far as it came, the right one of another message that waits: then not its
  // content is wrong, but the order.
  bool is_order_mismatch(Bytes came, Bytes other_message) const noexcept;

  // Describes a wrong reply. `message` and `came` are empty for what nobody asked for (`unasked`:
  // `came` is what came).
  Mismatch mismatch(MismatchKind kind, const MessageKey& key, Bytes message, Bytes came) const;

 private:
  ExpectationSettings settings_;
  std::unique_ptr<const re2::RE2> pattern_;  // null unless kind is pattern
};

}  // namespace fairlead
