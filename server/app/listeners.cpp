#include "server/app/listeners.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "common/io/listener.hpp"

namespace fairlead {

// Takes the connections of one listening socket to their shards.
class Listeners::ListenerHandler final : public ListenerClient {
 public:
  ListenerHandler(Listeners& owner, const SettingsSnapshot& snapshot, const OpenedListener& opened)
      : shard(owner.environment_.shards.at(opened.shard)),
        settings(snapshot),
        is_for_all(opened.is_for_all),
        is_inherited(opened.is_inherited),
        listener_settings_(snapshot, snapshot->listener_named(opened.name)),
        owner_(owner),
        listener_(shard.loop, opened.socket, *this, owner.environment_.reserve) {}
  ~ListenerHandler() { remove_path(); }

  // Both in a turn of the shard's loop.
  void start() { listener_.start(); }
  void close(std::function<void()> closed) {
    remove_path();
    listener_.stop(std::move(closed));
  }

  const std::string& name() const { return listener_settings_->name; }
  const Endpoint& address() const { return listener_.socket().address; }

  ShardThread& shard;
  const SettingsSnapshot settings;
  const bool is_for_all, is_inherited;

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
    owner_.environment_.log.warn("accept paused", {field("listener", name()), field("why", why)});
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

  const ListenerSnapshot listener_settings_;
  Listeners& owner_;
  bool is_path_removed_ = false;
  Listener listener_;
};

Listeners::Listeners(const Environment& environment, std::function<void()> on_drained)
    : environment_(environment), on_drained_(std::move(on_drained)) {}

Listeners::~Listeners() = default;

void Listeners::add(const SettingsSnapshot& settings, const OpenedListeners& opened) {
  for (const OpenedListener& listener : opened)
    handlers_.push_back(std::make_unique<ListenerHandler>(*this, settings, listener));
}

Outcome<> Listeners::start() {
  for (const auto& handler : handlers_) {
    handler->shard.loop.post([listener = handler.get()] { listener->start(); });
    const std::string address = handler->address().text();
    std::vector<Field> fields{field("listener", handler->name()), field("address", address)};
    if (handler->is_inherited) fields.push_back(field("inherited", true));
    environment_.log.write(Level::info, "listening", fields);
  }
  return {};
}

// Connections that were accepted last lie in the task queues of their shards when on_drained_ is
// called: what is posted to a shard from there comes after them.
void Listeners::begin_drain() {
  closing_ = handlers_.size();
  if (closing_ == 0) return on_drained_();
  const auto on_closed = [this] {
    environment_.shards.first().loop.post([this] {
      if (--closing_ == 0) on_drained_();
    });
  };
  for (const auto& handler : handlers_)
    handler->shard.loop.post([listener = handler.get(), on_closed] { listener->close(on_closed); });
}

Loop& Listeners::place(const ListenerHandler& handler) {
  if (!handler.is_for_all) return handler.shard.loop;
  next_shard_ = (next_shard_ + 1) % environment_.shards.size();
  return environment_.shards.at(next_shard_).loop;
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
          .user_timeout = socket.user_timeout,
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

}  // namespace

Outcome<OpenedListeners> open_listeners(const ServerSettings& settings, LogSink& log,
                                        InheritedSockets inherited) {
  const bool is_shared = settings.accept == AcceptMode::shared;
  InheritancePlan plan = plan_inheritance(settings, inherited, addresses_of);
  OpenedListeners opened = adopt(settings, log, plan, inherited);
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const ListeningOptions options = listening_options(settings, *listener);
    const auto note_left_out = [&](const Endpoint& address) {
      log.warn("address_left_out",
               {field("listener", listener->name), field("address", address.text()),
                field("why", "this machine has no such address")});
    };
    for (Endpoint endpoint : plan.to_open[i]) {
      const bool is_unix = endpoint.kind == Endpoint::Kind::unix_socket;
      const std::uint32_t copies = is_shared || is_unix ? 1 : settings.threads;
      std::vector<Endpoint> left_out;
      for (std::uint32_t shard = 0; shard < copies; ++shard) {
        left_out.clear();
        const ListeningSockets found = open_listening_sockets(endpoint, options, &left_out);
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
          opened.push_back({listener->name, socket, shard, copies == 1});
        // The copies share the port that the kernel chose for the first.
        if (endpoint.port == 0 && !is_unix) endpoint.port = found->front().address.port;
      }
      std::ranges::for_each(left_out, note_left_out);
    }
  }
  return opened;
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
