// hanger: a message is the name of a file; the thread hangs until that file has gone, then the
// message is echoed. For tests of who notices.
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

class Hanger final : public Service {
  void on_message(Peer& peer, const Message& message) override {
    const std::string name(peer.text_of(message));
    while (::access(name.c_str(), F_OK) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    peer.reply(message.payload);
  }
};

}  // namespace

std::unique_ptr<Service> make_hanger_service(const ServiceSettings&, ServiceEnvironment&) {
  return std::make_unique<Hanger>();
}

}  // namespace fairlead
