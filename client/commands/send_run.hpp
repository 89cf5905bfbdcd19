// The exchange of `fairlead send`: messages out, replies in.
#pragma once

#include <string>
#include <vector>

#include "client/api/client.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/cli/reply_printer.hpp"

namespace fairlead {

struct SendSettings {
  ClientSettings client;
  EncodingSettings encoding;
  std::vector<std::string> messages;  // ready to be sent, at least one
  std::string service;
  std::vector<ReplyFormat> formats;
  std::uint64_t replies = 1;  // for each message
  Duration wait{5000};
  bool expects_reply = true;
  bool greeting = false;
  bool shutdown = true;
};

// Connects, sends the messages, prints the replies on `out`.
CommandResult send_messages(const SendSettings& settings, Output& out, Encoding terminal);

}  // namespace fairlead
