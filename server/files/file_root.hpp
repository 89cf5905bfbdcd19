// The files a service may send: those below one directory, and nothing else on the machine.
#pragma once

#include <memory>
#include <string>

#include "common/log/log_sink.hpp"
#include "server/service/service_environment.hpp"

namespace fairlead {

// Confinement is the kernel's: every name is resolved by openat2(2) below the root's descriptor, so
// no race with a renamed directory or a new symlink leads outside. Names are refused before any
// call when they are empty, absolute, or hold NUL, "..", "." or an empty component; so are
// dot-files unless `hidden = yes`.
class DiskFileRoots final : public FileRoots {
 public:
  // The log is told of a root that cannot be opened; nothing is served from it then.
  explicit DiskFileRoots(LogSink& log) : log_(log) {}

  std::unique_ptr<FileRoot> root_for(const FileSettings& settings) override;

 private:
  LogSink& log_;
};

// True for a name that may be looked up below a root.
bool is_servable_name(std::string_view name, bool hidden);

}  // namespace fairlead
