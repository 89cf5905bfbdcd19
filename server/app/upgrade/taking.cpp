#include "server/app/upgrade/taking.hpp"

#include <unistd.h>

#include <chrono>
#include <new>
#include <utility>

namespace fairlead {

Taking::Taking(const Environment& environment, UpgradeContact contact)
    : environment_(environment), contact_(std::move(contact)), taker_(*this) {
  if (!contact_.channel) return;
  environment_.daemon.wait_for_order();
  environment_.manager.wait_for_order();
}

Outcome<> Taking::start() {
  if (!contact_.channel) return {};
  Daemon& daemon = environment_.daemon;
  environment_.log.info("takes_over", {field("from", contact_.older)});
  channel_.emplace(daemon.loop(), std::move(contact_.channel),
                   static_cast<DescriptorChannelClient&>(*this));
  deadline_.emplace(daemon.loop());
  // By its first turn everything has been started.
  daemon.loop().post([this] {
    if (!channel_) return;
    deadline_->set(
        std::chrono::steady_clock::now() + environment_.daemon.settings()->timeouts.upgrade,
        [this] { taker_.on_deadline(); });
    channel_->start();
  });
  return {};
}

// Sessions that have been promised to this process are its own to end; the listening sockets and
// whatever was not promised are the older one's.
void Taking::begin_drain() {
  is_stopping_ = true;
  if (channel_) taker_.on_end();
}

void Taking::stop() {
  if (deadline_) deadline_->cancel();
  channel_.reset();
}

// ---- The channel

void Taking::send(std::string message) {
  if (channel_) channel_->send(std::move(message));
}

void Taking::received(Bytes bytes, const std::vector<int>& descriptors) {
  taker_.on_bytes(bytes, descriptors);
}

void Taking::sent() { taker_.on_sent(); }

void Taking::ended() { taker_.on_end(); }

// ---- Orders of the machine

void Taking::start_accepting(const GlobalState* global, const std::vector<int>& older) {
  for (const int channel : older) environment_.older.add(Descriptor(channel));
  if (is_stopping_) return;
  deadline_->cancel();
  if (global != nullptr) use_older_settings(global->configuration);
  environment_.daemon.begin_accepting(global == nullptr ? 0 : global->last_id);
}

// Where they are not understood, which is another version's right, sessions go on with the settings
// of this process.
void Taking::use_older_settings(const std::string& listing) {
  auto older = environment_.source.load_listing(listing);
  if (!older) return;
  older_settings_ = std::make_shared<const ServerSettings>(std::move(*older));
  environment_.daemon.shards().for_each(
      [older = older_settings_](ShardThread& thread) { thread.shard.add_older_settings(older); });
}

HandoverRefusal Taking::judge(const SessionState& session) {
  return judge_place(session, *environment_.daemon.settings());
}

void Taking::adopt(SessionState session, int descriptor) {
  Daemon& daemon = environment_.daemon;
  ++sessions_;
  const bool is_of_older =
      older_settings_ != nullptr && judge_place(session, *older_settings_) == HandoverRefusal::none;
  const SettingsSnapshot& settings = is_of_older ? older_settings_ : daemon.settings();
  const ListenerSnapshot listener(settings, settings->listener_named(session.listener));
  AdmissionUnit unit = daemon.take_over_place(session.peer, session.listener);
  ShardThread& thread = daemon.shards().at(next_shard_);
  next_shard_ = (next_shard_ + 1) % daemon.shards().size();
  struct Arrival {
    SessionState session;
    Descriptor descriptor;
    ListenerSnapshot listener;
    AdmissionUnit unit;
  };
  auto arrival = std::make_shared<Arrival>(
      Arrival{std::move(session), Descriptor(descriptor), listener, std::move(unit)});
  thread.loop.post([&thread, arrival] {
    thread.shard.take_over(thread.loop.adopt(arrival->descriptor.release()), arrival->listener,
                           arrival->session, std::move(arrival->unit));
  });
}

void Taking::drop(int descriptor) { ::close(descriptor); }

// Services of the older settings live as long as their sessions.
void Taking::on_taken() {
  if (!is_stopping_) {
    Daemon& daemon = environment_.daemon;
    daemon.shards().for_each([](ShardThread& thread) { thread.shard.forget_old_settings(); });
    older_settings_.reset();
    daemon.own_listeners();
    const Field fields[] = {field("sessions", sessions_),
                            field("listeners", daemon.listeners().opened().size())};
    environment_.log.report(Level::info, "took_over", fields);
    environment_.manager.begin();
  }
  leave_channel();
}

// The older process is known by the channel, as long as it lives.
void Taking::leave_channel() {
  deadline_->cancel();
  environment_.daemon.loop().post([this] {
    if (!channel_) return;
    Descriptor channel = channel_->release();
    channel_.reset();
    if (!is_stopping_) environment_.older.add(std::move(channel));
  });
}

void Taking::give_up(const std::string& why) {
  environment_.daemon.fail("cannot take over from process " + std::to_string(contact_.older) +
                           ": " + why);
  leave_channel();
}

}  // namespace fairlead
