#include "client/commands/get/fetch_worker.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "client/commands/get/get_run.hpp"

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
    case FailureKind::request_refused:
      return false;
    default:
      return true;
  }
}

constexpr Backoff::Settings kWaits{.first = Duration(200), .longest = Duration(10'000)};

}  // namespace

FetchWorker::FetchWorker(GetRun& run, FetchLane& lane)
    : run_(run),
      lane_(lane),
      backoff_(kWaits, std::random_device{}()),
      retry_(run.shard(), [this] { work(); }) {}

void FetchWorker::work() {
  if (stopping_ || lost_ || retry_.is_set()) return;
  if (is_connected()) return ask();
  const std::shared_ptr<FileFetch> fetch = lane_.fetch();
  if (client_ || !fetch || !(fetch->has_bytes_to_ask() || fetch->has_hashes_to_ask())) return;
  ClientObserver& self = *this;
  client_ = std::make_unique<Client>(run_.shard(), run_.network(), run_.settings().client, self);
  client_->open();
}

void FetchWorker::reset() noexcept {
  lost_ = false;
  tries_ = 0;
  faults_ = 0;
}

void FetchWorker::stop() {
  stopping_ = true;
  retry_.cancel();
  if (client_) return client_->close();
  lane_.on_stopped();
}

// ---- Asking ----

void FetchWorker::on_ready(const Destination&) {
  run_.on_connected();
  // Requests may follow at once: the server handles them in order.
  client_->connection()->open(run_.settings().client.connection.service, kHashesChannel);
  ask();
}

void FetchWorker::ask() {
  const std::shared_ptr<FileFetch> fetch = lane_.fetch();
  const std::uint64_t bytes_max = run_.request_bytes();
  // Several parts of chunks at a time would all be lost if the command were killed.
  const std::size_t gets_max = bytes_max < kChunkBytes ? 1 : kGetsMax;
  while (fetch && asked_count(FrameType::get) < gets_max) {
    auto task = fetch->next_bytes(bytes_max);
    if (!task) break;
    send(fetch, std::move(task));
  }
  if (fetch && asked_count(FrameType::hash) == 0) {
    if (auto task = fetch->next_hashes()) send(fetch, std::move(task));
  }
  watch_silence();
}

void FetchWorker::send(std::shared_ptr<FileFetch> fetch, std::unique_ptr<FetchTask> task) {
  const std::uint16_t channel = task->type == FrameType::get ? kBytesChannel : kHashesChannel;
  const std::uint32_t id =
      client_->connection()->send_frame(task->type, channel, task->payload, true);
  asked_.emplace(id, Asked{std::move(fetch), std::move(task)});
}

std::size_t FetchWorker::asked_count(FrameType type) const {
  return static_cast<std::size_t>(
      std::count_if(asked_.begin(), asked_.end(),
                    [type](const auto& entry) { return entry.second.task->type == type; }));
}

// ---- Answers ----

void FetchWorker::on_frame(const Frame& frame) {
  const auto asked = asked_.find(frame.request_id);
  if (asked != asked_.end()) on_answer(asked, frame);
  if (!stopping_) watch_silence();
}

void FetchWorker::on_answer(std::map<std::uint32_t, Asked>::iterator asked, const Frame& frame) {
  const std::shared_ptr<FileFetch> fetch = asked->second.fetch;
  FetchTask& task = *asked->second.task;
  if (frame.type == FrameType::error) {
    const Failure failure = read_reason(FailureKind::turned_away, frame.payload);
    if (!fetch->on_error(task, failure.told, failure.what)) {
      fetch->give_back(task);
      try_later(failure);
    }
    asked_.erase(asked);
    return lane_.settle();
  }
  const FileFetch::Answer result = fetch->on_frame(task, frame);
  if (result == FileFetch::Answer::wrong) {
    return client_->connection()->close(
        {.kind = FailureKind::bad_protocol,
         .what = "an answer about a file that does not fit what was asked"});
  }
  if (fetch->has_progressed()) {
    tries_ = 0;
    backoff_.reset();
  }
  // --limit-rate: the server cannot send while the connection is not read.
  if (frame.type == FrameType::data && !stopping_)
    client_->pause_until(run_.rate().take(frame.payload.size(), run_.shard().now()));
  if (result == FileFetch::Answer::last) asked_.erase(asked);
  lane_.settle();
}

// ---- Losing the connection ----

void FetchWorker::watch_silence() {
  if (!is_connected()) return;
  client_->watch_silence(asked_.empty() ? Duration() : run_.settings().silence);
}

void FetchWorker::on_deadline() {
  client_->connection()->close(
      {.kind = FailureKind::vanished, .what = "the server has not answered for too long"});
}

void FetchWorker::on_ended(const Failure& failure) {
  const Failure why =
      failure.kind == FailureKind::none
          ? Failure{.kind = FailureKind::cut_short, .what = "the server ended the connection"}
          : failure;
  client_.reset();
  if (stopping_) return lane_.on_stopped();
  try_later(why);
  for (const auto& [id, asked] : std::exchange(asked_, {})) asked.fetch->give_back(*asked.task);
  lane_.settle();
}

void FetchWorker::try_later(const Failure& failure) {
  const bool is_final = failure.told == CloseReason::unknown_service ||
                        (!run_.has_connected() && is_final_at_first(failure.kind));
  if (failure.kind == FailureKind::bad_protocol) ++faults_;
  const std::uint32_t retries = run_.settings().retries;
  if (is_final || tries_ >= retries || faults_ > kFaultsForATry * retries) {
    lost_ = true;
    return lane_.on_lost(failure);
  }
  ++tries_;
  const Duration wait = backoff_.next();
  retry_.set(run_.shard().now() + wait);
  lane_.on_retry(failure, wait);
}

}  // namespace fairlead
