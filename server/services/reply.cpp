// reply: answers every message with the configured text, in the client's own encoding.
#include <string>

#include "server/api/service_table.hpp"
#include "server/api/text_template.hpp"

namespace fairlead {
namespace {

class Reply final : public Service {
 public:
  explicit Reply(const ServiceSettings& settings)
      : text_(settings.text), literal_(text_.literal()) {}

 private:
  void on_message(Peer& peer, const Message& message) override {
    if (literal_) return peer.reply_text(*literal_);
    rendered_.clear();
    text_.render(rendered_, {.text = peer.text_of(message),
                             .len = message.payload.size(),
                             .peer = peer.address(),
                             .id = peer.connection_id()});
    peer.reply_text(rendered_);
  }

  TextTemplate text_;
  std::optional<std::string_view> literal_;
  std::string rendered_;  // kept for its capacity
};

}  // namespace

std::unique_ptr<Service> make_reply_service(const ServiceSettings& settings, ServiceEnvironment&) {
  return std::make_unique<Reply>(settings);
}

}  // namespace fairlead
