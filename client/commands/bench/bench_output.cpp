#include "client/commands/bench/bench_output.hpp"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "common/base/descriptor.hpp"

namespace fairlead {

int write_report(const std::string& path, std::string_view text) {
  if (path.empty()) return kExitOk;
  Descriptor file;
  if (path != "-") {
    file = Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file) {
      return report(path, {kExitCannotWrite,
                           "cannot write the report: " + std::generic_category().message(errno)});
    }
  }
  Output out(file ? file.get() : 1);
  out.write(text);
  if (out.error().empty()) return kExitOk;
  return report(path, {kExitCannotWrite, "cannot write the report: " + out.error()});
}

}  // namespace fairlead
