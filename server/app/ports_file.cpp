#include "server/app/ports_file.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace fairlead {
namespace {

tl::unexpected<Failure> cannot_write(const std::string& path, int error) {
  return failure("cannot write " + path + ": " + std::generic_category().message(error) +
                     "; create the directory or change [server] run_dir",
                 error == EACCES ? kExitNoPermission : kExitRuntimeFailure);
}

}  // namespace

Outcome<> write_ports_file(const std::string& run_dir, const OpenedListeners& listeners) {
  const std::string target = run_dir + "/ports";
  const std::string unfinished = run_dir + "/ports.new";
  std::ofstream file(unfinished, std::ios::trunc);
  for (const OpenedListener& listener : listeners)
    file << listener.name << ' ' << listener.socket.address.text() << '\n';
  file.close();
  if (!file || std::rename(unfinished.c_str(), target.c_str()) != 0)
    return cannot_write(target, errno);
  return {};
}

}  // namespace fairlead
