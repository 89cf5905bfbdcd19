// log: prints what came and answers nothing. What it prints is the transcript line `on_message`;
// without one configured, the message as it is.
#include <string>

#include "common/text/escape.hpp"
#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

class Log final : public Service {
 public:
  Log(const ServiceSettings& settings, ServiceEnvironment& environment)
      : transcribed_(!settings.transcript.on_message.empty()),
        transcript_(environment.transcript) {}

 private:
  void on_message(Peer& peer, const Message& message) override {
    if (transcribed_) return;  // the session prints it, as for every service
    line_.clear();
    append_escaped(line_, peer.text_of(message));
    transcript_.print(line_);
  }

  bool transcribed_;
  TranscriptSink& transcript_;
  std::string line_;  // kept for its capacity
};

}  // namespace

std::unique_ptr<Service> make_log_service(const ServiceSettings& settings,
                                          ServiceEnvironment& environment) {
  return std::make_unique<Log>(settings, environment);
}

}  // namespace fairlead
