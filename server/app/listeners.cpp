#include "server/app/listeners.hpp"

#include <fcntl.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "common/io/listener.hpp"

namespace fairlead {

// Takes the connections of one listening socket to their shards. All but `opened` is used in turns
// of its shard's loop, from begin() on.
class Listeners::ListenerHandler final : public ListenerClient {
 public:
  ListenerHandler(Listeners& owner, const SettingsSnapshot& settings, const OpenedListener& from)
      : opened(from),
        shard(owner.environment_.shards.at(from.shard)),
        is_for_all(from.is_for_all),
        settings_(settings),
        listener_settings_(settings, settings->listener_named(from.name)),
        owner_(owner),
        is_path_left_(from.is_lent),
        listener_(shard.loop, from.socket, *this, owner.environment_.reserve) {}
  ~ListenerHandler() { remove_path(); }

  void start() {
    if (is_path_left_) adopt();
    listener_.start();
  }
  void pause(std::function<void()> paused) { listener_.pause(std::move(paused)); }
  // Another process may have changed the options of the socket.
  void resume() {
    adopt();
    listener_.resume();
  }
  void set_lent(bool is_lent) { is_path_left_ = is_lent; }
  // From now on it accepts for a listener of newer settings.
  void serve(const SettingsSnapshot& settings, const std::string& name) {
    settings_ = settings;
    {
      const std::lock_guard lock(mutex_);
      listener_settings_ = {settings, settings->listener_named(name)};
    }
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
    const ListenerSnapshot settings = current_settings();
    accept(loop, std::move(stream), peer, settings,
           owner_.environment_.admission.admit(peer, *settings, Loop::read_clock()));
  }
  void turned_away(Loop& loop, std::unique_ptr<ByteStream> stream,
                   const PeerAddress& peer) override {
    accept(loop, std::move(stream), peer, current_settings(),
           {.refused = CloseReason::server_full});
  }
  void accept_failed(const std::string& why) override {
    owner_.environment_.log.warn("accept paused",
                                 {field("listener", listener_settings_->name), field("why", why)});
  }

  void accept(Loop& loop, std::unique_ptr<ByteStream> stream, const PeerAddress& peer,
              const ListenerSnapshot& settings, Admission::Answer admission) {
    owner_.environment_.shards.of(loop).shard.accept(std::move(stream), settings, peer,
                                                     std::move(admission));
  }

  // On the thread of any loop that is to serve.
  ListenerSnapshot current_settings() const {
    const std::lock_guard lock(mutex_);
    return listener_settings_;
  }

  void adopt() {
    adopt_listening_socket(listener_.socket().descriptor,
                           listening_options(*settings_, *listener_settings_));
  }

  // Once: behind its end the inode's number may be that of another program's socket.
  void remove_path() {
    if (!std::exchange(is_path_left_, true)) fairlead::remove_path(listener_.socket());
  }

  SettingsSnapshot settings_;
  mutable std::mutex mutex_;            // for the other loops; this listener's own writes
  ListenerSnapshot listener_settings_;  // one of those
  Listeners& owner_;
  bool is_path_left_;  // it is removed, or another process's to remove
  Listener listener_;
};

Listeners::Listeners(const Environment& environment, std::function<void()> on_drained)
    : environment_(environment), on_drained_(std::move(on_drained)) {}

Listeners::~Listeners() = default;

void Listeners::add(const SettingsSnapshot& settings, const OpenedListeners& opened) {
  for (const OpenedListener& listener : opened)
    handlers_.push_back(std::make_shared<ListenerHandler>(*this, settings, listener));
  if (is_waiting_)
    for (const auto& handler : handlers_) handler->pause([] {});
}

Outcome<> Listeners::start() {
  if (!is_waiting_) accept();
  return {};
}

void Listeners::accept() {
  is_waiting_ = false;
  for (const auto& handler : handlers_) begin(handler, [] {});
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

// ---- An upgrade ----

void Listeners::pause(const std::function<void()>& done) {
  if (handlers_.empty()) return done();
  const auto paused = countdown(handlers_.size(), done);
  for (const auto& handler : handlers_)
    handler->shard.loop.post([listener = handler.get(), paused] { listener->pause(paused); });
}

void Listeners::resume() {
  for (const auto& handler : handlers_)
    handler->shard.loop.post([listener = handler.get()] { listener->resume(); });
}

void Listeners::set_lent(bool is_lent) {
  for (const auto& handler : handlers_) {
    handler->opened.is_lent = is_lent;
    handler->shard.loop.post([listener = handler.get(), is_lent] { listener->set_lent(is_lent); });
  }
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

}  // namespace fairlead
