#include "server/app/listening.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace fairlead {

ListeningOptions listening_options(const ServerSettings& settings,
                                   const ListenerSettings& listener) {
  const SocketSettings& socket = settings.socket;
  return {.backlog = static_cast<int>(socket.backlog),
          .reuse_address = socket.reuse_address,
          .reuse_port = settings.accept == AcceptMode::reuseport,
          .nodelay = socket.nodelay,
          .keepalive = socket.keepalive,
          .user_timeout = socket.user_timeout,
          .notsent_lowat = socket.notsent_lowat,
          .send_buffer = socket.send_buffer,
          .receive_buffer = socket.receive_buffer,
          .unix_mode = listener.unix_mode};
}

OpenedListeners open_listeners(const ServerSettings& settings, std::uint32_t copies) {
  OpenedListeners opened;
  for (const auto& listener : settings.listeners) {
    const ListeningOptions options = listening_options(settings, *listener);
    for (Endpoint endpoint : listener->bind) {
      const bool one_only = endpoint.kind == Endpoint::Kind::unix_socket;
      for (std::uint32_t i = 0; i < (one_only ? 1 : copies); ++i) {
        const ListeningSockets found = open_listening_sockets(endpoint, options);
        if (!found.error.empty()) {
          close_listeners(opened.listeners);
          return {{},
                  {found.permission_denied ? kExitNoPermission : kExitRuntimeFailure,
                   found.error + " (listener " + listener->name + ")"}};
        }
        for (const ListeningSocket& socket : found.sockets)
          opened.listeners.push_back({listener.get(), socket});
        // The copies share the port that the kernel chose for the first.
        if (endpoint.port == 0 && !one_only) endpoint.port = found.sockets.front().address.port;
      }
    }
  }
  return opened;
}

void close_listeners(const std::vector<OpenedListener>& listeners) {
  for (const OpenedListener& one : listeners) close_listening_socket(one.socket);
}

namespace {

std::string unfinished_ports_file(const std::string& run_dir) { return run_dir + "/ports.new"; }

Outcome cannot_write(const std::string& path, int why) {
  return {why == EACCES ? kExitNoPermission : kExitRuntimeFailure,
          "cannot write " + path + ": " + std::generic_category().message(why) +
              "; create the directory or change [server] run_dir"};
}

}  // namespace

Outcome write_ports_file(const std::string& run_dir, const std::vector<OpenedListener>& listeners) {
  const std::string target = run_dir + "/ports";
  const std::string unfinished = unfinished_ports_file(run_dir);
  std::ofstream file(unfinished, std::ios::trunc);
  for (const OpenedListener& one : listeners) {
    file << one.settings->name << ' ' << one.socket.address.text() << '\n';
  }
  file.close();
  if (!file || std::rename(unfinished.c_str(), target.c_str()) != 0)
    return cannot_write(target, errno);
  return {};
}

Outcome check_ports_file(const std::string& run_dir) {
  const std::string unfinished = unfinished_ports_file(run_dir);
  std::ofstream file(unfinished, std::ios::trunc);
  if (!file) return cannot_write(unfinished, errno);
  std::remove(unfinished.c_str());
  return {};
}

}  // namespace fairlead
