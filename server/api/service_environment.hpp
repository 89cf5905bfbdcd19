// Where a service finds the world outside its peers. One per service of each shard; every part
// outlives it.
#pragma once

#include <string_view>

#include "common/base/time.hpp"

namespace fairlead {

// Takes lines for stdout, as the tutorials' servers print them.
class TranscriptSink {
 public:
  // One line or several, without the last newline; what came from a peer in it is already escaped.
  virtual void print(std::string_view line) = 0;

 protected:
  ~TranscriptSink() = default;
};

class FileStores;  // file_store.hpp

// A service's own time. Each service has one.
class ServiceClock {
 public:
  // Of this turn. Stands still while the daemon was stopped or starved.
  virtual TimePoint now() const noexcept = 0;

  // Calls Service::on_time once, at or after `at`; a second call replaces the first, and kNever
  // takes it back.
  virtual void wake_at(TimePoint at) noexcept = 0;

 protected:
  ~ServiceClock() = default;
};

struct ServiceEnvironment {
  TranscriptSink& transcript;
  FileStores& files;
  ServiceClock& clock;
};

}  // namespace fairlead
