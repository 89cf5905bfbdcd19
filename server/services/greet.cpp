// greet: says its greeting, as every service with one does, then reads and drops.
#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

class Greet final : public Service {
  void on_message(Peer&, const Message&) override {}
};

}  // namespace

std::unique_ptr<Service> make_greet_service(const ServiceSettings&, ServiceEnvironment&) {
  return std::make_unique<Greet>();
}

}  // namespace fairlead
