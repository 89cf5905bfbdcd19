#include "client/fetch/file_fetch.hpp"

#include <algorithm>
#include <utility>

#include "common/base/hex.hpp"
#include "common/base/page_buffer.hpp"

namespace fairlead {
namespace {

// The part of a leftover that is hashed at a time: some milliseconds.
constexpr std::uint64_t kCheckBytes = 8 * kChunkBytes;

// Whether a later request may succeed, on this connection or the next one.
bool may_pass(CloseReason told) {
  switch (told) {
    case CloseReason::no_such_file:
    case CloseReason::unknown_service:
    case CloseReason::no_such_channel:
    case CloseReason::denied:
      return false;
    default:
      return true;
  }
}

}  // namespace

FileFetch::FileFetch(std::string name, FetchTarget& target, const Settings& settings,
                     FetchObserver& observer)
    : name_(std::move(name)),
      target_(target),
      settings_(settings),
      observer_(observer),
      leftover_(target.leftover()) {}

// ---- What is here already ----

bool FileFetch::check_leftover() {
  PageBuffer chunk_bytes(kChunkBytes);
  Sha256 hash;
  for (std::uint64_t checked = 0; checked < kCheckBytes; checked += kChunkBytes) {
    // Chunks before the next data are holes.
    const std::uint64_t data =
        check_offset_ < leftover_.size ? target_.next_data(check_offset_) : leftover_.size;
    if (ended_ || data >= leftover_.size) {
      check_offset_ = leftover_.size;
      checking_ = false;
      return false;
    }
    const std::uint64_t chunk = data / kChunkBytes;
    check_offset_ = chunk * kChunkBytes;
    const std::uint64_t size = std::min(kChunkBytes, leftover_.size - check_offset_);
    char* const bytes = chunk_bytes.at(check_offset_);
    if (target_.read(check_offset_, bytes, size)) {
      hash.update(Bytes(bytes, size));
      found_.emplace(chunk, HeldChunk{size, hash.finish()});
    }
    check_offset_ += size;
  }
  return true;
}

// ---- Asking ----

bool FileFetch::has_bytes_to_ask() const {
  if (checking_ || ended_ || target_.only_compares()) return false;
  if (ledger_) return ledger_->has_missing();
  // At once, unless the hashes may make them useless.
  return found_.empty() && !target_.is_stream() && !settings_.sha256 && !first_bytes_asked_;
}

std::unique_ptr<FetchTask> FileFetch::next_bytes(std::uint64_t bytes_max) {
  if (!has_bytes_to_ask()) return nullptr;
  auto task = std::make_unique<FetchTask>();
  task->type = FrameType::get;
  task->version = version_;
  const std::uint64_t chunks_max = std::max<std::uint64_t>(1, bytes_max / kChunkBytes);
  if (!ledger_) {
    // The answer tells the version.
    first_bytes_asked_ = true;
    first_run_ = std::min(chunks_max, std::max<std::uint64_t>(1, kRunChunks / settings_.shares));
    task->count = first_run_;
    task->length = task->count * kChunkBytes;
  } else {
    const bool is_stream = target_.is_stream();
    const std::uint64_t share =
        (ledger_->missing_count() + settings_.shares - 1) / settings_.shares;
    auto run =
        ledger_->take(std::min({share, chunks_max, is_stream ? kStreamRunChunks : kRunChunks}));
    // A stream keeps chunks in memory until they are verified: fetch only what can be.
    if (is_stream && run->first >= ledger_->expected_count()) {
      ledger_->give_back(run->first, run->count);
      return nullptr;
    }
    task->first = run->first;
    task->count = run->count;
    task->partial = std::move(run->begun);
    task->offset = run->first * kChunkBytes + task->partial.bytes;
    task->length =
        std::min(ledger_->size(), (run->first + run->count) * kChunkBytes) - task->offset;
  }
  task->length = std::min(task->length, bytes_max);
  append_payload(
      task->payload,
      GetRequest{
          .offset = task->offset, .length = task->length, .identity = identity_, .name = name_});
  return task;
}

bool FileFetch::has_hashes_to_ask() const {
  if (checking_ || ended_ || hashes_asked_) return false;
  return !hashes_seen_ || ledger_->expected_count() < ledger_->count();
}

std::unique_ptr<FetchTask> FileFetch::next_hashes() {
  if (!has_hashes_to_ask()) return nullptr;
  hashes_asked_ = true;
  auto task = std::make_unique<FetchTask>();
  task->type = FrameType::hash;
  task->version = version_;
  task->first = ledger_ ? ledger_->expected_count() : 0;
  append_payload(task->payload,
                 HashRequest{.first = task->first, .identity = identity_, .name = name_});
  return task;
}

void FileFetch::give_back(FetchTask& task) {
  if (is_outdated(task) || ended_) return;
  if (task.type == FrameType::hash) {
    hashes_asked_ = false;
  } else if (!ledger_) {
    first_bytes_asked_ = false;
  } else {
    ledger_->give_back(task.first, task.count, std::move(task.partial));
  }
  observer_.on_more();
}

// ---- Answers ----

FileFetch::Answer FileFetch::on_frame(FetchTask& task, const Frame& frame) {
  const bool is_last = frame.type == FrameType::end || frame.type == FrameType::hashes;
  if (is_outdated(task) || ended_) return is_last ? Answer::last : Answer::more;
  const bool is_get = task.type == FrameType::get;
  switch (frame.type) {
    case FrameType::begin:
      return is_get ? on_begin(task, frame.payload) : Answer::wrong;
    case FrameType::data:
      return is_get ? on_data(task, frame.payload) : Answer::wrong;
    case FrameType::end:
      return is_get ? on_end(task, frame.payload) : Answer::wrong;
    case FrameType::hashes:
      return is_get ? Answer::wrong : on_hashes(task, frame.payload);
    default:
      return Answer::wrong;
  }
}

FileFetch::Answer FileFetch::on_begin(FetchTask& task, Bytes payload) {
  const auto begin = read_payload<FileBegin>(payload);
  if (!begin || task.begun || begin->offset != task.offset) return Answer::wrong;
  if (!is_current(begin->identity)) return Answer::more;
  const std::uint64_t end = std::min(ledger_->size(), task.offset + task.length);
  if (begin->length != end - task.offset) return Answer::wrong;
  task.begun = true;
  task.start = task.offset;
  task.end = end;
  return Answer::more;
}

FileFetch::Answer FileFetch::on_data(FetchTask& task, Bytes payload) {
  if (!task.begun || payload.size() > task.end - task.offset) return Answer::wrong;
  while (!payload.empty()) {
    const std::uint64_t behind = task.first * kChunkBytes + ledger_->bytes_of(task.first);
    const Bytes part =
        payload.substr(0, std::min<std::uint64_t>(payload.size(), behind - task.offset));
    payload.remove_prefix(part.size());
    if (!has_stored(target_.write(task.offset, part))) return Answer::more;
    if (!task.partial.hash) task.partial.hash = std::make_unique<Sha256>();
    task.partial.hash->update(part);
    task.partial.bytes += part.size();
    task.offset += part.size();
    arriving_bytes_ += part.size();
    if (task.offset < behind) break;
    const std::uint64_t chunk = task.first++;
    --task.count;
    arriving_bytes_ -= std::exchange(task.partial.bytes, 0);
    on_chunk(chunk, task.partial.hash->finish());
    if (ended_ || is_outdated(task)) break;
  }
  return Answer::more;
}

FileFetch::Answer FileFetch::on_end(FetchTask& task, Bytes payload) {
  const auto sent = read_payload<FileEnd>(payload);
  const bool all_came = task.begun && task.offset == task.end;
  if (!sent || !all_came || sent->bytes_sent != task.end - task.start) return Answer::wrong;
  if (task.count > 0) give_back(task);  // what of its last chunk was not asked for
  return Answer::last;
}

FileFetch::Answer FileFetch::on_hashes(FetchTask& task, Bytes payload) {
  const auto hashes = read_payload<FileHashes>(payload);
  if (!hashes || hashes->chunk_bytes != kChunkBytes || hashes->first != task.first)
    return Answer::wrong;
  if (!is_current(hashes->identity)) return Answer::last;
  const std::uint64_t left = ledger_->count() - std::min(ledger_->count(), hashes->first);
  if (hashes->chunks.size() > left || (left > 0 && hashes->chunks.empty())) return Answer::wrong;
  hashes_asked_ = false;
  const std::uint64_t known = ledger_->expected_count();
  if (hashes->first != known) {  // earlier ones have been doubted since it was asked for
    observer_.on_more();
    return Answer::last;
  }
  // The content changed although the identity did not.
  if (hashes_seen_ && hashes->whole != whole_) {
    restart();
    return Answer::last;
  }
  whole_ = hashes->whole;
  hashes_seen_ = true;
  if (settings_.sha256 && whole_ != *settings_.sha256) {
    end({.end = FetchEnd::unexpected,
         .what = "the file has another SHA-256: " + hex_of(Bytes(whole_.data(), whole_.size()))});
    return Answer::last;
  }
  if (target_.only_compares()) {
    ledger_->expect(hashes->chunks);
    if (!is_all_right(known)) end({.end = FetchEnd::differs});
    finish_if_complete();
    if (!ended_) observer_.on_more();
    return Answer::last;
  }
  std::uint64_t damaged = 0;
  for (const std::uint64_t chunk : ledger_->expect(hashes->chunks)) {
    const bool was_right = leftover_.identity == identity_ && leftover_.right.contains(chunk);
    damaged += was_right ? 1 : 0;
    // Leftover chunks may belong to another version.
    if (earlier_.erase(chunk) == 0) count_wrong(chunk);
    if (ended_) return Answer::last;
  }
  if (damaged > 0) observer_.on_damaged(damaged);
  for (std::uint64_t chunk = known; chunk < ledger_->expected_count() && !ended_; ++chunk) {
    if (!ledger_->is_right(chunk)) continue;
    if (earlier_.erase(chunk) > 0) resumed_bytes_ += ledger_->bytes_of(chunk);
    has_stored(target_.keep(chunk));
  }
  finish_if_complete();
  if (!ended_) observer_.on_more();
  return Answer::last;
}

bool FileFetch::on_error(FetchTask& task, CloseReason told, std::string_view sentence) {
  if (is_outdated(task) || ended_) return true;
  if (told == CloseReason::file_changed) {
    restart();
    return true;
  }
  if (may_pass(told)) return false;
  end({.end = FetchEnd::refused, .told = told, .what = std::string(sentence)});
  return true;
}

bool FileFetch::has_progressed() noexcept {
  const std::uint64_t now = here_bytes() + (ledger_ ? ledger_->expected_count() : 0);
  if (now <= progress_so_far_) return false;
  progress_so_far_ = now;
  return true;
}

// ---- Versions ----

// Whether an answer is about the current version.
bool FileFetch::is_current(const FileIdentity& identity) {
  if (identity_.is_any()) {
    set_identity(identity);
    return !ended_;
  }
  if (identity == identity_) return true;
  restart();
  return false;
}

void FileFetch::set_identity(const FileIdentity& identity) {
  const bool was_begun = !leftover_.identity.is_any() && !found_.empty();
  if (was_begun && version_ == 0 && leftover_.identity != identity) {
    const std::string what = "the file changed on the server since its download was begun";
    if (!settings_.restarts) return end({.end = FetchEnd::changed, .what = what});
    observer_.on_changed(what);
  }
  identity_ = identity;
  if (target_.only_compares() && leftover_.size != identity.size)
    return end({.end = FetchEnd::differs});
  if (!has_stored(target_.begin(identity))) return;
  ledger_.emplace(identity.size);
  for (const auto& [chunk, held] : std::exchange(found_, {})) {
    const bool fits = chunk < ledger_->count() && ledger_->bytes_of(chunk) == held.bytes;
    if (!fits) continue;
    ledger_->hold(chunk, held.digest);
    earlier_.insert(chunk);
  }
  if (first_bytes_asked_) ledger_->take(first_run_);
  observer_.on_more();
}

void FileFetch::restart() {
  const std::string what = "the file changed on the server while it was fetched";
  if (!settings_.restarts || target_.has_shown() || ++changes_ > settings_.changes_max)
    return end({.end = FetchEnd::changed, .what = what});
  if (ledger_ && !target_.is_stream()) found_ = ledger_->held();
  ledger_.reset();
  wrong_.clear();
  earlier_.clear();
  resumed_bytes_ = progress_so_far_ = 0;
  identity_ = {};
  ++version_;
  arriving_bytes_ = 0;
  hashes_asked_ = hashes_seen_ = first_bytes_asked_ = false;
  observer_.on_changed(what);
  observer_.on_more();
}

// ---- Chunks ----

void FileFetch::on_chunk(std::uint64_t chunk, const Sha256Digest& digest) {
  if (!ledger_->hold(chunk, digest)) {
    count_wrong(chunk);
    if (!ended_) observer_.on_more();
    return;
  }
  if (!ledger_->is_right(chunk)) return;  // its hash has not come yet
  if (has_stored(target_.keep(chunk))) finish_if_complete();
}

// Either the chunk or its hash may have been damaged in transit.
void FileFetch::count_wrong(std::uint64_t chunk) {
  const std::uint32_t times = ++wrong_[chunk];
  if (times >= kWrongMax) {
    return end({.end = FetchEnd::corrupt,
                .what = "what arrives of the file keeps differing from the server's own hashes"});
  }
  if (times == kWrongMax / 2) ledger_->forget_expected(chunk);
}

// Whether all of them are whose hashes are known.
bool FileFetch::is_all_right(std::uint64_t first) const {
  for (std::uint64_t chunk = first; chunk < ledger_->expected_count(); ++chunk)
    if (!ledger_->is_right(chunk)) return false;
  return true;
}

// ---- The end ----

void FileFetch::finish_if_complete() {
  if (ended_ || !hashes_seen_ || !ledger_->is_complete()) return;
  // What the hashes of the chunks verify need not be what the server calls the hash of the whole.
  if (settings_.sha256 && !target_.only_compares() && target_.digest() != *settings_.sha256) {
    return end(
        {.end = FetchEnd::corrupt,
         .what = "the server's hashes contradict each other: the bytes have another SHA-256"});
  }
  if (has_stored(target_.finish())) end({});
}

// What the target said: ends the fetch for a problem.
bool FileFetch::has_stored(std::string problem) {
  if (problem.empty()) return true;
  end({.end = FetchEnd::cannot_write, .what = std::move(problem)});
  return false;
}

void FileFetch::abandon(FetchEnd why, std::string what) {
  if (!ended_) end({.end = why, .what = std::move(what)});
}

void FileFetch::end(FetchOutcome outcome) {
  if (std::exchange(ended_, true)) return;
  if (outcome.end != FetchEnd::complete) target_.leave();
  observer_.on_ended(outcome);
}

}  // namespace fairlead
