// The listening sockets of the daemon, as they come into being: opened, inherited, or taken over
// from an older process.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "server/app/listeners.hpp"

namespace fairlead {

const ListenerSettings* successor(const ServerSettings& settings, const std::string& name,
                                  const Endpoint& written, bool is_inherited) {
  const ListenerSettings* const same = is_inherited ? settings.listener_named(name) : nullptr;
  return same != nullptr ? same : settings.listener_for(name, written);
}

ListeningOptions listening_options(const ServerSettings& settings,
                                   const ListenerSettings& listener) {
  const SocketSettings& socket = settings.socket;
  return {.backlog = static_cast<int>(socket.backlog),
          .reuse_address = socket.reuse_address,
          .reuse_port = settings.accept == AcceptMode::reuseport,
          .nodelay = socket.nodelay,
          .keepalive = socket.keepalive,
          .user_timeout = settings.user_timeout(),
          .notsent_lowat = socket.notsent_lowat,
          .send_buffer = socket.send_buffer,
          .receive_buffer = socket.receive_buffer,
          .unix_mode = listener.unix_mode};
}

// The two that every machine with IPv6 has. Another one is missing because it is another machine's.
bool may_be_left_out(const Endpoint& endpoint, const ListenerSettings& listener) {
  const auto is_ipv6 = [](const Endpoint& each) { return each.host.find(':') != each.host.npos; };
  return (endpoint.host == "::1" || endpoint.host == "::") &&
         !std::ranges::all_of(listener.bind, is_ipv6);
}

namespace {

// What is in the way may be a socket of ours that is about to close.
ListeningSockets open_beside(const std::vector<int>& leaving, const Endpoint& endpoint,
                             ListeningOptions options, std::vector<Endpoint>& left_out) {
  ListeningSockets found = open_listening_sockets(endpoint, options, &left_out);
  const bool is_in_the_way = !found && found.error().error == EADDRINUSE;
  if (!is_in_the_way || leaving.empty() || options.reuse_port) return found;
  options.reuse_port = true;
  for (const int descriptor : leaving) share_port(descriptor, true);
  found = open_listening_sockets(endpoint, options, &left_out);
  for (const int descriptor : leaving) share_port(descriptor, false);
  if (found)
    for (const ListeningSocket& socket : *found) share_port(socket.descriptor, false);
  return found;
}

// Those that serve a listener; the others are closed with `inherited`.
OpenedListeners adopt(const ServerSettings& settings, LogSink& log, const InheritancePlan& plan,
                      InheritedSockets& inherited) {
  OpenedListeners opened;
  for (std::size_t i = 0; i < inherited.size(); ++i) {
    InheritedSocket& socket = inherited[i];
    const ListenerSettings* const listener = plan.listener_of[i];
    const std::string address = socket.address ? socket.address->text() : std::string();
    if (listener == nullptr) {
      log.warn("inherited_socket_closed",
               {field("name", socket.name), field("address", address),
                field("why", socket.address ? "no listener has its name or its address"
                                            : "it is no listening TCP or unix socket")});
      continue;
    }
    opened.push_back({.name = listener->name,
                      .written = *socket.address,
                      .socket = {socket.descriptor.release(), *socket.address},
                      .is_inherited = true,
                      .is_lent = socket.is_lent});
    if (!socket.is_lent)
      adopt_listening_socket(opened.back().socket.descriptor,
                             listening_options(settings, *listener));
  }
  return opened;
}

// The sockets that an older process of ours has opened: to the settings they are what they would be
// to a reload of that process.
void adopt_older(const ServerSettings& settings, InheritedSockets& older, InheritancePlan& plan,
                 OpenedListeners& opened, std::vector<ListeningSocket>& left) {
  for (InheritedSocket& socket : older) {
    const OpenedByOlder& origin = *socket.older;
    ListeningSocket listening{socket.descriptor.release(), *socket.address, origin.device,
                              origin.inode};
    const auto* const now = successor(settings, socket.name, origin.written, false);
    if (now == nullptr) {
      left.push_back(std::move(listening));
      continue;
    }
    for (std::size_t i = 0; i < settings.listeners.size(); ++i)
      if (settings.listeners[i].get() == now) std::erase(plan.to_open[i], origin.written);
    opened.push_back({.name = now->name,
                      .written = origin.written,
                      .socket = std::move(listening),
                      .is_lent = true});
  }
}

// Where every shard gets a socket of an address, it keeps what it accepts from it; else the first
// shard accepts for all.
void distribute(const ServerSettings& settings, OpenedListeners& opened) {
  for (OpenedListener& first : opened) {
    std::vector<OpenedListener*> copies;
    for (OpenedListener& other : opened)
      if (other.name == first.name && other.socket.address == first.socket.address)
        copies.push_back(&other);
    if (settings.accept == AcceptMode::shared || copies.size() != settings.threads) continue;
    for (std::uint32_t shard = 0; shard < copies.size(); ++shard) {
      copies[shard]->shard = shard;
      copies[shard]->is_for_all = copies.size() == 1;
    }
  }
}

// Opens `to_open`, for each listener, behind what has been `opened`.
Outcome<OpenedListeners> open_all(const ServerSettings& settings, LogSink& log,
                                  const std::vector<std::vector<Endpoint>>& to_open,
                                  const std::vector<int>& leaving, OpenedListeners opened) {
  const bool is_shared = settings.accept == AcceptMode::shared;
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const ListeningOptions options = listening_options(settings, *listener);
    const auto note_left_out = [&](const Endpoint& address) {
      log.warn("address_left_out",
               {field("listener", listener->name), field("address", address.text()),
                field("why", "this machine has no such address")});
    };
    for (const Endpoint& written : to_open[i]) {
      Endpoint endpoint = written;
      const bool is_unix = endpoint.kind == Endpoint::Kind::unix_socket;
      const std::uint32_t copies = is_shared || is_unix ? 1 : settings.threads;
      std::vector<Endpoint> left_out;
      for (std::uint32_t shard = 0; shard < copies; ++shard) {
        left_out.clear();
        const ListeningSockets found = open_beside(leaving, endpoint, options, left_out);
        if (!found && found.error().is_of_another_machine() &&
            may_be_left_out(endpoint, *listener)) {
          left_out.push_back(endpoint);
          break;
        }
        if (!found) {
          close_listeners(opened);
          const ListeningError& why = found.error();
          return failure(why.what + " (listener " + listener->name + ")",
                         why.is_permission_denied() ? kExitNoPermission : kExitRuntimeFailure);
        }
        for (const ListeningSocket& socket : *found)
          opened.push_back({listener->name, written, socket, shard, copies == 1});
        // The copies share the port that the kernel chose for the first.
        if (endpoint.port == 0 && !is_unix) endpoint.port = found->front().address.port;
      }
      std::ranges::for_each(left_out, note_left_out);
    }
  }
  return opened;
}

}  // namespace

Outcome<OpenedListeners> open_listeners(const ServerSettings& settings, LogSink& log,
                                        InheritedSockets inherited,
                                        std::vector<ListeningSocket>* left) {
  InheritedSockets older;
  for (InheritedSocket& socket : inherited)
    if (socket.older && socket.address && left != nullptr) older.push_back(std::move(socket));
  std::erase_if(inherited, [](const InheritedSocket& socket) { return !socket.descriptor; });
  InheritancePlan plan = plan_inheritance(settings, inherited, addresses_of);
  OpenedListeners opened = adopt(settings, log, plan, inherited);
  if (left != nullptr) adopt_older(settings, older, plan, opened, *left);
  distribute(settings, opened);
  std::vector<int> leaving;
  if (left != nullptr)
    for (const ListeningSocket& socket : *left) leaving.push_back(socket.descriptor);
  return open_all(settings, log, plan.to_open, leaving, std::move(opened));
}

Outcome<OpenedListeners> open_new_listeners(const ServerSettings& settings, LogSink& log,
                                            const HeldListeners& held) {
  InheritedSockets inherited;
  for (const HeldListener& listener : held)
    if (listener.is_inherited) inherited.push_back({{}, listener.name, listener.written});
  InheritancePlan plan = plan_inheritance(settings, inherited, addresses_of);
  std::vector<int> leaving;
  for (const HeldListener& listener : held) {
    const auto* const now =
        successor(settings, listener.name, listener.written, listener.is_inherited);
    if (now == nullptr) leaving.push_back(listener.duplicate.get());
    for (std::size_t i = 0; i < settings.listeners.size(); ++i)
      if (settings.listeners[i].get() == now) std::erase(plan.to_open[i], listener.written);
  }
  return open_all(settings, log, plan.to_open, leaving, {});
}

std::string conflict_of_names(const ServerSettings& settings, const Resolve& resolve) {
  struct Bound {
    const ListenerSettings* listener;
    const Endpoint* written;
    Endpoint address;
  };
  std::vector<Bound> bound;
  const bool may_overlap = settings.accept == AcceptMode::reuseport;
  for (const auto& listener : settings.listeners) {
    for (const Endpoint& written : listener->bind) {
      const std::size_t before = bound.size();
      for (Endpoint& address : resolve(written))
        bound.push_back({listener.get(), &written, std::move(address)});
      for (std::size_t mine = before; mine < bound.size(); ++mine) {
        for (const Bound& other : std::span(bound).first(before)) {
          const Endpoint& address = bound[mine].address;
          if (may_overlap ? other.address != address || address.port == 0
                          : !are_in_conflict(other.address, address))
            continue;
          return "listener." + listener->name + ".bind: " + written.text() + " is " +
                 address.text() + ", which is already bound by listener." + other.listener->name +
                 ", at " + other.written->text() + "; remove one of them";
        }
      }
    }
  }
  return {};
}

void close_listeners(const OpenedListeners& listeners) {
  for (const OpenedListener& listener : listeners) {
    if (!listener.is_lent) remove_path(listener.socket);
    ::close(listener.socket.descriptor);
  }
}

}  // namespace fairlead
