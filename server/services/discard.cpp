// discard: reads and drops (RFC 863).
#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

class Discard final : public Service {
  void on_message(Peer&, const Message&) override {}
};

}  // namespace

std::unique_ptr<Service> make_discard_service(const ServiceSettings&, ServiceEnvironment&) {
  return std::make_unique<Discard>();
}

}  // namespace fairlead
