#include "common/protocol/close_reason.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace fairlead {
namespace {

using enum CloseReason;

// Clients have these numbers compiled in. A new reason is added at the end; nothing here is ever
// changed.
constexpr struct {
  CloseReason reason;
  int number;
  std::string_view name;
} kFrozen[] = {
    {none, 0, "none"},
    {peer_closed, 1, "peer_closed"},
    {eof_before_data, 2, "eof_before_data"},
    {reset, 3, "reset"},
    {peer_vanished, 4, "peer_vanished"},
    {close_after, 5, "close_after"},
    {idle_timeout, 6, "idle_timeout"},
    {first_byte_timeout, 7, "first_byte_timeout"},
    {message_timeout, 8, "message_timeout"},
    {write_timeout, 9, "write_timeout"},
    {slow_consumer, 10, "slow_consumer"},
    {message_too_big, 11, "message_too_big"},
    {protocol_error, 12, "protocol_error"},
    {rate_limited, 13, "rate_limited"},
    {server_full, 14, "server_full"},
    {ip_limit, 15, "ip_limit"},
    {denied, 16, "denied"},
    {draining, 17, "draining"},
    {restart, 18, "restart"},
    {kicked, 19, "kicked"},
    {file_changed, 20, "file_changed"},
    {internal_error, 21, "internal_error"},
    {completed, 22, "completed"},
    {unknown_service, 23, "unknown_service"},
    {no_such_file, 24, "no_such_file"},
    {too_many_channels, 25, "too_many_channels"},
    {no_such_channel, 26, "no_such_channel"},
};

TEST(CloseReason, NumbersAndNamesAreFrozen) {
  for (const auto& row : kFrozen) {
    EXPECT_EQ(static_cast<int>(row.reason), row.number);
    EXPECT_EQ(name_of(row.reason), row.name);
  }
}

TEST(CloseReason, EveryNumberHasItsRowHere) {
  EXPECT_EQ(std::size(kFrozen), kCloseReasonCount);
  EXPECT_EQ(name_of(static_cast<CloseReason>(kCloseReasonCount)), "unknown");
  EXPECT_EQ(name_of(static_cast<CloseReason>(255)), "unknown");
  EXPECT_EQ(explanation_of(static_cast<CloseReason>(kCloseReasonCount)), "unknown reason");
}

TEST(CloseReason, ErrorsOfRequestsHaveTheSameNumbersAndNames) {
  using Error = RequestError;
  for (const Error error :
       {Error::none, Error::message_too_big, Error::server_full, Error::file_changed,
        Error::internal_error, Error::unknown_service, Error::no_such_file,
        Error::too_many_channels, Error::no_such_channel}) {
    const auto& row = kFrozen[static_cast<std::size_t>(error)];
    EXPECT_EQ(close_reason_of(error), row.reason);
    EXPECT_EQ(name_of(error), row.name);
    EXPECT_EQ(explanation_of(error), explanation_of(row.reason));
  }
  EXPECT_EQ(name_of(RequestError::no_such_channel), "no_such_channel");
}

TEST(CloseReason, NamesAreUniqueWords) {
  std::set<std::string_view> names;
  for (const auto& row : kFrozen) {
    const std::string_view name = name_of(row.reason);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), name.npos) << name;
  }
}

// They stand in ERROR frames and in the error line of plain clients, whatever their encoding.
TEST(CloseReason, ExplanationsAreUniquePrintableAscii) {
  std::set<std::string_view> explanations;
  for (const auto& row : kFrozen) {
    const std::string_view text = explanation_of(row.reason);
    EXPECT_TRUE(explanations.insert(text).second) << text;
    EXPECT_FALSE(text.empty());
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << text;
  }
}

}  // namespace
}  // namespace fairlead
