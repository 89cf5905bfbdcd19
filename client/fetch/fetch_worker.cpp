#include "client/fetch/fetch_worker.hpp"

#include <utility>

#include "client/fetch/rate_limit.hpp"

namespace fairlead {
namespace {

// Separate channels for bytes and hashes: a server that has to hash a file answers later.
constexpr std::uint16_t kBytesChannel = kServiceChannel, kHashesChannel = kServiceChannel + 1;

// A server that breaks the protocol may make progress each time and never finish: at most this many
// protocol errors for each retry.
constexpr std::uint64_t kFaultsForATry = 4;

// Whether another attempt is useless after this failure of the very first connection.
bool is_final_at_first(FailureKind kind) {
  switch (kind) {
    case FailureKind::reset:
    case FailureKind::vanished:
    case FailureKind::cut_short:
      return false;
    default:
      return true;
  }
}

constexpr Backoff::Settings kWaits{.first = Duration(200), .longest = Duration(10'000)};

}  // namespace

FetchWorker::FetchWorker(FetchWorkerOwner& owner, ClientShard& shard, Network& network,
                         const FetchSettings& settings, RateLimit& rate, std::uint64_t seed)
    : owner_(owner),
      shard_(shard),
      network_(network),
      settings_(settings),
      rate_(rate),
      backoff_(kWaits, seed),
      silence_(shard, settings.silence),
      retry_(shard, [this] { work(); }),
      resume_(shard, [this] { resume_reading(); }),
      stopped_(shard, [this] { owner_.on_stopped(); }) {}

FetchWorker::~FetchWorker() = default;

void FetchWorker::work() {
  if (stopping_ || lost_ || retry_.is_set()) return;
  if (!client_) return dial();
  if (is_ready_) ask();
}

void FetchWorker::dial() {
  const std::shared_ptr<FileFetch> fetch = owner_.fetch();
  if (!fetch || !(fetch->has_bytes_to_ask() || fetch->has_hashes_to_ask())) return;
  ended_.reset();
  ClientObserver& self = *this;
  client_ = std::make_unique<Client>(shard_, network_, settings_.client, self);
  client_->open();
}

void FetchWorker::reset() noexcept {
  lost_ = false;
  tries_ = 0;
  faults_ = 0;
}

void FetchWorker::stop() {
  if (std::exchange(stopping_, true)) return;
  retry_.cancel();
  resume_.cancel();
  if (client_) return client_->close();
  stopped_.set(shard_.now());
}

// ---- Asking ----

void FetchWorker::on_ready(const Destination&) {
  is_ready_ = true;
  owner_.on_connected();
  // Requests may follow at once: the server handles them in order.
  open_id_ = client_->connection()->open(settings_.service, kBytesChannel);
  client_->connection()->open(settings_.service, kHashesChannel);
  ask();
}

void FetchWorker::ask() {
  const std::shared_ptr<FileFetch> fetch = owner_.fetch();
  while (fetch && gets_ < kGetsMax) {
    auto task = fetch->next_bytes();
    if (!task) break;
    send(fetch, std::move(task));
  }
  if (fetch && hashes_ == 0) {
    if (auto task = fetch->next_hashes()) send(fetch, std::move(task));
  }
  watch_silence();
}

void FetchWorker::send(std::shared_ptr<FileFetch> fetch, std::unique_ptr<FetchTask> task) {
  const bool is_get = task->type == FrameType::get;
  ++(is_get ? gets_ : hashes_);
  const std::uint32_t id = client_->connection()->send_frame(
      task->type, is_get ? kBytesChannel : kHashesChannel, task->payload, true);
  asked_.emplace(id, Asked{std::move(fetch), std::move(task)});
}

// ---- Answers ----

void FetchWorker::on_frame(const Frame& frame) {
  const auto asked = asked_.find(frame.request_id);
  if (asked != asked_.end()) {
    answer(asked, frame);
  } else if (frame.type == FrameType::error && is_ready_ && frame.request_id == open_id_) {
    const ToldReason told = read_reason(frame.payload);
    client_->connection()->close({.kind = FailureKind::turned_away,
                                  .told = told.reason,
                                  .what = std::string(told.sentence)});
  }
  if (!stopping_) watch_silence();
}

void FetchWorker::answer(std::map<std::uint32_t, Asked>::iterator asked, const Frame& frame) {
  const std::shared_ptr<FileFetch> fetch = asked->second.fetch;
  FetchTask& task = *asked->second.task;
  if (frame.type == FrameType::error) {
    const ToldReason told = read_reason(frame.payload);
    if (told.reason == CloseReason::no_such_channel) return;  // the answer to OPEN says why
    const auto removed = asked_.extract(asked);
    --(task.type == FrameType::get ? gets_ : hashes_);
    if (!fetch->on_error(task, told.reason, told.sentence)) {
      fetch->give_back(task);
      try_later({.kind = FailureKind::turned_away,
                 .told = told.reason,
                 .what = std::string(told.sentence)});
    }
    return owner_.on_answers();
  }
  const FileFetch::Answer result = fetch->on_frame(task, frame);
  if (result == FileFetch::Answer::wrong) {
    client_->connection()->close(
        {.kind = FailureKind::bad_protocol,
         .what = "an answer about a file that does not fit what was asked"});
    return;
  }
  if (fetch->has_progressed()) {
    tries_ = 0;
    backoff_.reset();
  }
  if (frame.type == FrameType::data) limit_rate(frame.payload.size());
  if (result == FileFetch::Answer::last) {
    --(task.type == FrameType::get ? gets_ : hashes_);
    asked_.erase(asked);
  }
  owner_.on_answers();
}

// --limit-rate: the server cannot send while the connection is not read.
void FetchWorker::limit_rate(std::size_t bytes) {
  const TimePoint until = rate_.take(bytes, shard_.now());
  if (until <= shard_.now() || stopping_ || client_->connection() == nullptr) return;
  paused_ = true;
  client_->connection()->pause();
  resume_.set(until);
}

void FetchWorker::resume_reading() {
  paused_ = false;
  if (client_ && client_->connection() != nullptr) client_->connection()->resume();
  watch_silence();
}

// ---- Losing the connection ----

void FetchWorker::watch_silence() {
  if (!client_ || client_->connection() == nullptr) return;
  if (asked_.empty() || paused_) return silence_.stop(*client_);
  silence_.restart(*client_);
}

void FetchWorker::on_deadline() {
  if (!silence_.is_silent(*client_)) return;
  client_->connection()->close(
      {.kind = FailureKind::vanished, .what = "the server has said nothing for too long"});
}

void FetchWorker::on_ended(const Failure& failure) {
  ended_ = std::move(client_);
  is_ready_ = paused_ = false;
  resume_.cancel();
  if (stopping_) return owner_.on_stopped();
  try_later(failure.kind == FailureKind::none
                ? Failure{.kind = FailureKind::cut_short, .what = "the server ended the connection"}
                : failure);
  give_back_all();
  owner_.on_answers();
}

void FetchWorker::give_back_all() {
  gets_ = hashes_ = 0;
  for (const auto& [id, asked] : std::exchange(asked_, {})) asked.fetch->give_back(*asked.task);
}

void FetchWorker::try_later(const Failure& failure) {
  const bool is_final = failure.told == CloseReason::unknown_service ||
                        (!owner_.has_been_connected() && is_final_at_first(failure.kind));
  if (failure.kind == FailureKind::bad_protocol) ++faults_;
  const bool is_enough =
      tries_ >= settings_.retries || faults_ > kFaultsForATry * settings_.retries;
  if (is_final || is_enough) {
    lost_ = true;
    return owner_.on_lost(failure);
  }
  ++tries_;
  const Duration wait = backoff_.next();
  retry_.set(shard_.now() + wait);
  owner_.on_retry(failure, wait);
}

}  // namespace fairlead
