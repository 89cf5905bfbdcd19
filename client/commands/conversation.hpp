// The conversation of `fairlead term`, independent of the kind of screen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/api/client.hpp"
#include "client/cli/environment.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "client/cli/reply_printer.hpp"
#include "client/commands/command_loop.hpp"

namespace fairlead {

struct TermSettings {
  ClientSettings client;
  TextChoice text;
  std::string service;
  std::string prompt = "> ";
  std::vector<ReplyFormat> formats;
  Duration wait{5000};
  bool shutdown = true;
};

// Shows the conversation.
class Screen {
 public:
  virtual ~Screen() = default;
  virtual Output& data() = 0;                        // what the server says
  virtual void notice(const std::string& line) = 0;  // what became of the connection, or of input
  virtual void on_open(const Destination& to) = 0;   // from now on input can be sent
  virtual void on_drained() {}                       // what was queued has left
  virtual void on_over() = 0;                        // the conversation has ended
};

// Sends typed lines and shows received messages.
class Conversation final : public ClientObserver {
 public:
  Conversation(const TermSettings& settings, const TerminalLocale& locale, CommandLoop& loop,
               Screen& screen)
      : settings_(settings),
        locale_(locale),
        loop_(loop),
        screen_(screen),
        printer_(screen.data(), settings.formats, locale.encoding, settings.text.read),
        client_(loop.shard(), loop.network(), settings.client, *this) {}

  // These are called within a turn.
  void open() { client_.open(); }
  void send_typed(const std::string& typed);
  void on_end_of_input();
  void end(CommandResult outcome);

  bool is_over() const noexcept { return over_; }
  bool is_open() const noexcept { return open_; }
  const CommandResult& outcome() const noexcept { return outcome_; }
  std::size_t queued_bytes() { return open_ ? client_.connection()->queued_bytes() : 0; }

 private:
  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_drained() override { screen_.on_drained(); }
  void on_deadline() override { end({}); }
  void on_retry(const Failure& failure, Duration wait) override;
  void on_ended(const Failure& failure) override;

  void on_framed(const Frame& frame);
  void show(const Frame& frame);
  void show_fragment();
  void on_service_open();
  void wait_for_the_rest() {
    client_.set_deadline(deadline_after(loop_.shard().now(), settings_.wait));
  }

  const TermSettings& settings_;
  const TerminalLocale& locale_;
  CommandLoop& loop_;
  Screen& screen_;
  ReplyPrinter printer_;
  Client client_;
  Destination destination_;
  std::uint16_t channel_ = 0;
  bool open_ = false;  // input can be sent
  bool input_ended_ = false;
  bool over_ = false;
  std::optional<CommandResult> asked_;  // we end it, and this is why
  CommandResult outcome_;
};

}  // namespace fairlead
