// The services of one snapshot of the settings as one shard runs them, and what each listener
// offers of them.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "server/core/service_instance.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

class ServiceSet;

// What one listener offers on one shard. A connection keeps that of its first moment, so a reload
// changes nothing that it has begun with.
struct ListenerOffer {
  const ServerSettings& settings;  // the snapshot of the connection's first moment
  const ListenerSettings& listener;
  ServiceInstance* default_service;       // null: only framed clients, which name theirs
  std::vector<ServiceInstance*> offered;  // what a framed client may OPEN
  const ServiceSet& services;             // all, whether or not they are offered here

  // Null: it is not offered here.
  ServiceInstance* service_named(std::string_view name) const noexcept;
  // One of the snapshot's, for a session that has it already; aborts if there is none.
  ServiceInstance& any_service(std::string_view name) const noexcept;
};

// Owned by its shard and by the connections that began with it, through their offers; all of it is
// used on the shard's thread.
class ServiceSet {
 public:
  ServiceSet(const ServiceSet&) = delete;
  ServiceSet& operator=(const ServiceSet&) = delete;

  // All of these outlive it. `now` is the shard's.
  struct Environment {
    TranscriptSink& transcript;
    FileStores& files;
    const TimePoint& now;
  };

  // A service whose settings are those of `before` is the same as there: it goes on with what it
  // has. Throws what a service's making throws. `before`: null at the start.
  ServiceSet(SettingsSnapshot settings, const Environment& environment, const ServiceSet* before);

  // Of this snapshot's listener at that address; null: it is another snapshot's.
  const ListenerOffer* offer_of(const ListenerSettings& listener) const noexcept;

  const std::vector<std::shared_ptr<ServiceInstance>>& services() const noexcept {
    return services_;
  }

  // Null: there is none.
  ServiceInstance* service_named(std::string_view name) const noexcept;

 private:
  const SettingsSnapshot settings_;
  std::vector<std::shared_ptr<ServiceInstance>> services_;  // one for each [service.NAME]
  std::vector<ListenerOffer> offers_;                       // one for each [listener.NAME]
};

// Keeps its set alive.
using OfferSnapshot = std::shared_ptr<const ListenerOffer>;

}  // namespace fairlead
