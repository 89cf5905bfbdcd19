// One [service.NAME] as one shard runs it: the service, its clock, and the parsed texts that the
// core itself says for it.
#pragma once

#include <memory>

#include "server/api/service.hpp"
#include "server/api/service_environment.hpp"
#include "server/api/service_settings.hpp"
#include "server/api/service_table.hpp"
#include "server/api/text_template.hpp"

namespace fairlead {

// Owned by its shard, touched by its thread only.
class ServiceInstance final : private ServiceClock {
  // What the service is made with, so it comes before it.
  const TimePoint& now_;
  TimePoint due_ = kNever;
  ServiceEnvironment environment_;

 public:
  // `now` is the shard's, and outlives the instance as everything else does.
  ServiceInstance(const ServiceSettings& of, const ServiceType& type, TranscriptSink& transcript,
                  FileStores& files, const TimePoint& now)
      : now_(now),
        environment_{transcript, files, *this},
        settings(of),
        service(type.make(of, environment_)),
        pushes(service->pushes()),
        on_connect(of.transcript.on_connect),
        on_message(of.transcript.on_message),
        on_close(of.transcript.on_close) {}

  // When the service wants to be called; kNever: it does not.
  TimePoint due() const noexcept { return due_; }

  // Calls it if its time has come.
  void wake() {
    if (due_ > now_) return;
    due_ = kNever;
    service->on_time();
  }

  const ServiceSettings& settings;
  const std::unique_ptr<Service> service;
  const bool pushes;
  const TextTemplate on_connect, on_message, on_close;  // transcript lines

 private:
  TimePoint now() const noexcept override { return now_; }
  void wake_at(TimePoint at) noexcept override { due_ = at; }
};

}  // namespace fairlead
