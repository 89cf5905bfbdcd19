// The exchange of `fairlead send`: messages out, replies in.
#pragma once

#include <string>
#include <vector>

#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"

namespace fairlead {

struct SendSettings : TalkSettings {
  std::vector<std::string> messages = {};  // ready to be sent, at least one
  std::uint64_t replies = 1;               // for each message
  bool expects_reply = true;
  bool greeting = false;
};

// Connects, sends the messages, prints the replies on `out`.
CommandResult send_messages(const SendSettings& settings, Output& out, Encoding terminal);

}  // namespace fairlead
