// echo: sends every message back unchanged, byte for byte.
#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

class Echo final : public Service {
  void on_message(Peer& peer, const Message& message) override { peer.reply(message.payload); }
};

}  // namespace

std::unique_ptr<Service> make_echo_service(const ServiceSettings&, ServiceEnvironment&) {
  return std::make_unique<Echo>();
}

}  // namespace fairlead
