#include "server/core/service_set.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"
#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

template <class Services>
ServiceInstance* find_named(const Services& services, std::string_view name) noexcept {
  const auto found = std::ranges::find_if(
      services, [name](const auto& service) { return service->settings().name == name; });
  return found == services.end() ? nullptr : std::to_address(*found);
}

}  // namespace

ServiceInstance* ListenerOffer::service_named(std::string_view name) const noexcept {
  return find_named(offered, name);
}

ServiceInstance& ListenerOffer::any_service(std::string_view name) const noexcept {
  ServiceInstance* const found = services.service_named(name);
  FAIRLEAD_CHECK(found != nullptr);
  return *found;
}

ServiceSet::ServiceSet(SettingsSnapshot settings, const Environment& environment,
                       const ServiceSet* before)
    : settings_(std::move(settings)) {
  for (const auto& wanted : settings_->services) {
    if (before != nullptr) {
      const auto same = std::ranges::find_if(before->services_, [&wanted](const auto& service) {
        return service->settings() == *wanted;
      });
      if (same != before->services_.end()) {
        services_.push_back(*same);
        continue;
      }
    }
    const ServiceType* type = service_type_named(wanted->type);
    FAIRLEAD_CHECK(type != nullptr);
    services_.push_back(std::make_shared<ServiceInstance>(
        std::shared_ptr<const ServiceSettings>(settings_, wanted.get()), *type,
        environment.transcript, environment.files, environment.now));
  }
  for (const auto& listener : settings_->listeners) {
    ListenerOffer offer{*settings_, *listener, service_named(listener->default_service), {}, *this};
    for (const std::string& name : listener->offered_services)
      offer.offered.push_back(service_named(name));
    offers_.push_back(std::move(offer));
  }
}

const ListenerOffer* ServiceSet::offer_of(const ListenerSettings& listener) const noexcept {
  const auto found = std::ranges::find_if(
      offers_, [&listener](const ListenerOffer& offer) { return &offer.listener == &listener; });
  return found == offers_.end() ? nullptr : &*found;
}

ServiceInstance* ServiceSet::service_named(std::string_view name) const noexcept {
  return find_named(services_, name);
}

}  // namespace fairlead
