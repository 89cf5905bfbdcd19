// One [service.NAME] as one shard runs it: the service, its clock, and its lines of the transcript.
#pragma once

#include <memory>
#include <string_view>

#include "server/api/service.hpp"
#include "server/api/service_environment.hpp"
#include "server/api/service_settings.hpp"
#include "server/api/service_table.hpp"
#include "server/api/text_template.hpp"

namespace fairlead {

// Owned by its shard, touched by its thread only.
class ServiceInstance final : private ServiceClock {
 public:
  // `now` is the shard's, and outlives the instance as everything else does.
  ServiceInstance(std::shared_ptr<const ServiceSettings> settings, const ServiceType& type,
                  TranscriptSink& transcript, FileStores& files, const TimePoint& now);

  Service& service() noexcept { return *service_; }
  const ServiceSettings& settings() const noexcept { return *settings_; }

  // When the service wants to be called; kNever: it does not.
  TimePoint due() const noexcept { return due_; }
  // Calls it if its time has come.
  void wake();

  // ---- The transcript, where the settings have a line for it.

  struct Speaker {
    PeerAddress address;  // as it may be told
    std::uint64_t id;
  };
  void transcribe_connect(const Speaker& speaker);
  bool transcribes_messages() const noexcept { return !on_message_.empty(); }
  void transcribe_message(const Speaker& speaker, std::string_view text, std::uint64_t bytes);
  // Without memory the transcript is short of a line.
  void transcribe_close(const Speaker& speaker) noexcept;

 private:
  TimePoint now() const noexcept override { return now_; }
  void wake_at(TimePoint at) noexcept override { due_ = at; }
  void transcribe(const TextTemplate& line, const Speaker& speaker, std::string_view text,
                  std::uint64_t bytes);

  const std::shared_ptr<const ServiceSettings> settings_;  // with their snapshot
  const TimePoint& now_;
  TimePoint due_ = kNever;
  ServiceEnvironment environment_;
  const std::unique_ptr<Service> service_;
  const TextTemplate on_connect_, on_message_, on_close_;
};

}  // namespace fairlead
