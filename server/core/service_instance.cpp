#include "server/core/service_instance.hpp"

#include <exception>
#include <string>
#include <utility>

#include "common/text/escape.hpp"

namespace fairlead {

ServiceInstance::ServiceInstance(std::shared_ptr<const ServiceSettings> settings,
                                 const ServiceType& type, TranscriptSink& transcript,
                                 FileStores& files, const TimePoint& now)
    : settings_(std::move(settings)),
      now_(now),
      environment_{transcript, files, *this},
      service_(type.make(*settings_, environment_)),
      on_connect_(settings_->transcript.on_connect),
      on_message_(settings_->transcript.on_message),
      on_close_(settings_->transcript.on_close) {}

void ServiceInstance::wake() {
  if (due_ > now_) return;
  due_ = kNever;
  service_->on_time();
}

void ServiceInstance::transcribe_connect(const Speaker& speaker) {
  if (!on_connect_.empty()) transcribe(on_connect_, speaker, {}, 0);
}

void ServiceInstance::transcribe_message(const Speaker& speaker, std::string_view text,
                                         std::uint64_t bytes) {
  if (!on_message_.empty()) transcribe(on_message_, speaker, text, bytes);
}

void ServiceInstance::transcribe_close(const Speaker& speaker) noexcept {
  if (on_close_.empty()) return;
  try {
    transcribe(on_close_, speaker, {}, 0);
  } catch (const std::exception&) {
    // The end goes on.
  }
}

void ServiceInstance::transcribe(const TextTemplate& line, const Speaker& speaker,
                                 std::string_view text, std::uint64_t bytes) {
  const std::string shown = escaped(text);
  std::string rendered;
  line.render(rendered, {.text = shown, .len = bytes, .peer = speaker.address, .id = speaker.id});
  environment_.transcript.print(rendered);
}

}  // namespace fairlead
