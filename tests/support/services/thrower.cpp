// thrower: fails where its `text` says: on_open, on_message, on_writable, on_time, or, by something
// that is no std::exception, on_message. Else it echoes. For tests of what a service's failure
// does.
#include <stdexcept>
#include <string>

#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

class Thrower final : public Service {
 public:
  Thrower(const ServiceSettings& settings, ServiceEnvironment& environment)
      : place_(settings.text), clock_(environment.clock) {}

 private:
  void fail_at(const char* place) {
    if (place_ == place) throw std::runtime_error(place);
  }

  void on_open(Peer&) override {
    clock_.wake_at(clock_.now() + Duration(100));
    fail_at("on_open");
  }
  void on_message(Peer& peer, const Message& message) override {
    fail_at("on_message");
    if (place_ == "no exception") throw 42;
    if (place_ == "on_writable") {
      peer.defer();
      return peer.call_when_writable();
    }
    peer.reply(message.payload);
  }
  void on_writable(Peer&) override { fail_at("on_writable"); }
  void on_time() override { fail_at("on_time"); }

  const std::string& place_;
  ServiceClock& clock_;
};

}  // namespace

std::unique_ptr<Service> make_thrower_service(const ServiceSettings& settings,
                                              ServiceEnvironment& environment) {
  return std::make_unique<Thrower>(settings, environment);
}

}  // namespace fairlead
