#include "server/app/listeners.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "common/io/listener.hpp"

namespace fairlead {
namespace {

// The listener that serves a socket under other settings; null: none.
const ListenerSettings* successor(const ServerSettings& settings, const std::string& name,
                                  const Endpoint& written, bool is_inherited) {
  const ListenerSettings* const same = is_inherited ? settings.listener_named(name) : nullptr;
  return same != nullptr ? same : settings.listener_for(name, written);
}

}  // namespace

// Takes the connections of one listening socket to their shards. All but `opened` is used in turns
// of its shard's loop, from begin() on.
class Listeners::ListenerHandler final : public ListenerClient {
 public:
  ListenerHandler(Listeners& owner, const SettingsSnapshot& settings, const OpenedListener& from)
      : opened(from),
        shard(owner.environment_.shards.at(from.shard)),
        is_for_all(from.is_for_all),
        listener_settings_(settings, settings->listener_named(from.name)),
        owner_(owner),
        listener_(shard.loop, from.socket, *this, owner.environment_.reserve) {}
  ~ListenerHandler() { remove_path(); }

  void start() { listener_.start(); }
  // From now on it accepts for a listener of newer settings.
  void serve(const SettingsSnapshot& settings, const std::string& name) {
    listener_settings_ = {settings, settings->listener_named(name)};
    set_connection_options(listener_.socket().descriptor,
                           listening_options(*settings, *listener_settings_));
  }
  void close(std::function<void()> closed) {
    remove_path();
    listener_.stop(std::move(closed));
  }

  OpenedListener opened;  // the main thread's
  ShardThread& shard;
  const bool is_for_all;

 private:
  // ListenerClient.
  Loop& place() override { return owner_.place(*this); }
  void accepted(Loop& loop, std::unique_ptr<ByteStream> stream, const PeerAddress& peer) override {
    accept(loop, std::move(stream), peer,
           owner_.environment_.admission.admit(peer, *listener_settings_, Loop::read_clock()));
  }
  void turned_away(Loop& loop, std::unique_ptr<ByteStream> stream,
                   const PeerAddress& peer) override {
    accept(loop, std::move(stream), peer, {.refused = CloseReason::server_full});
  }
  void accept_failed(const std::string& why) override {
    owner_.environment_.log.warn("accept paused",
                                 {field("listener", listener_settings_->name), field("why", why)});
  }

  void accept(Loop& loop, std::unique_ptr<ByteStream> stream, const PeerAddress& peer,
              Admission::Answer admission) {
    owner_.environment_.shards.of(loop).shard.accept(std::move(stream), listener_settings_, peer,
                                                     std::move(admission));
  }

  // Once: behind its end the inode's number may be that of another program's socket.
  void remove_path() {
    if (!std::exchange(is_path_removed_, true)) fairlead::remove_path(listener_.socket());
  }

  ListenerSnapshot listener_settings_;
  Listeners& owner_;
  bool is_path_removed_ = false;
  Listener listener_;
};

Listeners::Listeners(const Environment& environment, std::function<void()> on_drained)
    : environment_(environment), on_drained_(std::move(on_drained)) {}

Listeners::~Listeners() = default;

void Listeners::add(const SettingsSnapshot& settings, const OpenedListeners& opened) {
  for (const OpenedListener& listener : opened)
    handlers_.push_back(std::make_shared<ListenerHandler>(*this, settings, listener));
}

Outcome<> Listeners::start() {
  for (const auto& handler : handlers_) begin(handler, [] {});
  return {};
}

void Listeners::begin(const std::shared_ptr<ListenerHandler>& handler,
                      const std::function<void()>& begun) {
  handler->shard.loop.post([listener = handler.get(), begun] {
    listener->start();
    begun();
  });
  const std::string address = handler->opened.socket.address.text();
  std::vector<Field> fields{field("listener", handler->opened.name), field("address", address)};
  if (handler->opened.is_inherited) fields.push_back(field("inherited", true));
  environment_.log.write(Level::info, "listening", fields);
}

// Connections that were accepted last lie in the task queues of their shards when on_drained_ is
// called: what is posted to a shard from there comes after them.
void Listeners::begin_drain() { close(handlers_, on_drained_); }

void Listeners::close(const Handlers& handlers, const std::function<void()>& done) {
  if (handlers.empty()) return done();
  const auto closed = countdown(handlers.size(), done);
  for (const auto& handler : handlers)
    handler->shard.loop.post([listener = handler.get(), closed] { listener->close(closed); });
}

std::function<void()> Listeners::countdown(std::size_t times, std::function<void()> done) {
  const auto left = std::make_shared<std::size_t>(times);  // the first loop's
  return [this, left, done = std::move(done)] {
    environment_.shards.first().loop.post([left, done] {
      if (--*left == 0) done();
    });
  };
}

Loop& Listeners::place(const ListenerHandler& handler) {
  if (!handler.is_for_all) return handler.shard.loop;
  next_shard_ = (next_shard_ + 1) % environment_.shards.size();
  return environment_.shards.at(next_shard_).loop;
}

// ---- A reload ----

OpenedListeners Listeners::opened() const {
  OpenedListeners all;
  for (const auto& handler : handlers_) all.push_back(handler->opened);
  return all;
}

HeldListeners Listeners::hold() const {
  HeldListeners held;
  for (const auto& handler : handlers_) {
    const OpenedListener& opened = handler->opened;
    held.push_back({opened.name, opened.written, opened.is_inherited,
                    Descriptor(::fcntl(opened.socket.descriptor, F_DUPFD_CLOEXEC, 0))});
  }
  return held;
}

void Listeners::change(const SettingsSnapshot& settings, const OpenedListeners& opened,
                       std::function<void()> done) {
  Handlers kept;
  for (const auto& handler : handlers_) {
    const ListenerSettings* const now = successor(
        *settings, handler->opened.name, handler->opened.written, handler->opened.is_inherited);
    if (now != nullptr) handler->opened.name = now->name;
    (now != nullptr ? kept : closed_).push_back(handler);
  }
  const std::size_t old = kept.size();
  for (const OpenedListener& listener : opened)
    kept.push_back(std::make_shared<ListenerHandler>(*this, settings, listener));
  handlers_ = std::move(kept);

  const auto changed = [this, done = std::move(done)] { close(closed_, done); };
  if (handlers_.empty()) return changed();
  const auto acknowledge = countdown(handlers_.size(), changed);
  for (std::size_t i = 0; i < handlers_.size(); ++i) {
    const auto& handler = handlers_[i];
    if (i >= old) {
      begin(handler, acknowledge);
      continue;
    }
    handler->shard.loop.post(
        [listener = handler.get(), settings, name = handler->opened.name, acknowledge] {
          listener->serve(settings, name);
          acknowledge();
        });
  }
  for (const auto& handler : closed_)
    environment_.log.info("listener_closed",
                          {field("listener", handler->opened.name),
                           field("address", handler->opened.socket.address.text())});
}

// Each in a turn of its own loop.
void Listeners::forget_closed() {
  for (auto& handler : std::exchange(closed_, {})) {
    Loop& loop = handler->shard.loop;
    loop.post([gone = std::move(handler)]() mutable { gone.reset(); });
  }
}

// ---- Opening ----

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

// Those that serve a listener; the others are closed with `inherited`. Where every shard gets a
// socket of an address, it keeps what it accepts from it; else the first shard accepts for all.
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
    const ListeningOptions options = listening_options(settings, *listener);
    opened.push_back({.name = listener->name,
                      .written = *socket.address,
                      .socket = adopt_listening_socket(socket.descriptor.release(), options),
                      .is_inherited = true});
  }
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
  return opened;
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
                                        InheritedSockets inherited) {
  const InheritancePlan plan = plan_inheritance(settings, inherited, addresses_of);
  return open_all(settings, log, plan.to_open, {}, adopt(settings, log, plan, inherited));
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
  for (const OpenedListener& listener : listeners) close_listening_socket(listener.socket);
}

}  // namespace fairlead
