// One [service.NAME] as one shard runs it: the service, and the parsed texts that the core itself
// says for it.
#pragma once

#include <memory>

#include "server/service/service.hpp"
#include "server/service/service_settings.hpp"
#include "server/service/text_template.hpp"

namespace fairlead {

struct ServiceInstance {
  ServiceInstance(const ServiceSettings& of, std::unique_ptr<Service> made)
      : settings(of),
        service(std::move(made)),
        on_connect(of.transcript.on_connect),
        on_message(of.transcript.on_message),
        on_close(of.transcript.on_close) {}

  const ServiceSettings& settings;
  std::unique_ptr<Service> service;
  TextTemplate on_connect, on_message, on_close;  // transcript lines
};

}  // namespace fairlead
