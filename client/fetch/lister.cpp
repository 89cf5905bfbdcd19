#include "client/fetch/lister.hpp"

#include <algorithm>
#include <utility>

#include "client/fetch/file_names.hpp"
#include "common/protocol/file_name.hpp"

namespace fairlead {
namespace {

// A page has 32 KiB, the largest HELLO twice as much.
constexpr std::uint32_t kFrameBytesMax = 128 * 1024;

// Bytes of an invalid name that an error message shows.
constexpr std::size_t kNameShownMax = 80;

// Services that an error message names.
constexpr std::size_t kServicesNamedMax = 8;

ClientSettings framed(ClientSettings settings) {
  settings.connection.protocol = Protocol::framed;
  settings.connection.message_bytes_max = kFrameBytesMax;
  // A listing that was cut off is not resumed.
  if (settings.reconnect.when == ReconnectSettings::When::always)
    settings.reconnect.when = ReconnectSettings::When::until_connected;
  return settings;
}

Failure told_failure(FailureKind kind, Bytes payload) {
  const ToldReason told = read_reason(payload);
  return {.kind = kind, .told = told.reason, .what = std::string(told.sentence)};
}

Failure bad_answer(std::string what) {
  return {.kind = FailureKind::bad_protocol, .what = std::move(what)};
}

// Why OPEN was refused; for an unknown service with the names of the others.
Failure not_opened(const ServerHello& hello, Bytes payload) {
  Failure failure = told_failure(FailureKind::request_refused, payload);
  if (failure.told != CloseReason::unknown_service || hello.services.empty()) return failure;
  const std::size_t named = std::min(hello.services.size(), kServicesNamedMax);
  std::string all;
  for (std::size_t i = 0; i < named; ++i) all += (all.empty() ? "" : ", ") + hello.services[i];
  if (named < hello.services.size()) all += ", ...";
  failure.what += "; --service takes one of " + all;
  return failure;
}

}  // namespace

Lister::Lister(ClientShard& shard, Network& network, const ListerSettings& settings,
               ListerObserver& observer)
    : client_settings_(framed(settings.client)),
      service_(settings.service),
      entries_max_(settings.entries_max),
      waiting_bytes_max_(settings.waiting_bytes_max),
      recursive_(settings.recursive),
      observer_(observer),
      client_(shard, network, client_settings_, *this),
      silence_(shard, settings.timeout) {}

void Lister::open(std::vector<std::string> names) {
  names_ = std::move(names);
  client_.open();
}

void Lister::close() {
  ending_ = true;
  client_.close();
}

void Lister::fail(Failure why) {
  if (ending_) return;
  failure_ = std::move(why);
  close();
}

// ---- Asking ----

void Lister::on_ready(const Destination&) {
  open_id_ = client_.connection()->open(service_, kServiceChannel);
  for (std::size_t i = 0; i < names_.size(); ++i) {
    // STAT takes no empty name, and the root is a directory.
    const FrameType type = names_[i].empty() ? FrameType::list : FrameType::stat;
    waiting_.push_back({.type = type, .asked = i});
  }
  silence_.restart(client_);
}

void Lister::ask() {
  while (!ending_ && !waiting_.empty() && unanswered_.size() < kRequestsMax) {
    Question question = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= question.below.size();
    if (const std::string name = full_name(question); !name.empty() && !is_file_name(name)) {
      observer_.on_failed(question.asked, question.below,
                          {.kind = FailureKind::request_refused,
                           .told = CloseReason::no_such_file,
                           .what = "this cannot be the name of a file"});
      continue;
    }
    question.id = client_.connection()->send_frame(question.type, kServiceChannel,
                                                   payload_of(question), true);
    unanswered_.push_back(std::move(question));
  }
  if (unanswered_.empty()) close();
}

std::string Lister::full_name(const Question& question) const {
  return joined_name(names_[question.asked], question.below);
}

std::string Lister::payload_of(const Question& question) const {
  const std::string name = full_name(question);
  if (question.type == FrameType::stat) return name;
  std::string payload;
  append_payload(payload, ListRequest{.after = question.after, .directory = name});
  return payload;
}

// ---- Answers ----

void Lister::on_frame(const Frame& frame) {
  if (ending_) return;
  silence_.restart(client_);
  if (frame.channel != kServiceChannel) return;
  switch (frame.type) {
    case FrameType::opened:
      if (frame.request_id == open_id_) ask();
      return;
    case FrameType::close:
      return fail(told_failure(FailureKind::turned_away, frame.payload));
    case FrameType::error:
      if (frame.request_id != open_id_) return on_answer(frame);
      return fail(not_opened(*client_.connection()->hello(), frame.payload));
    case FrameType::status:
    case FrameType::listing:
      return on_answer(frame);
    default:
      return;  // a greeting
  }
}

void Lister::on_answer(const Frame& frame) {
  if (unanswered_.empty() || frame.request_id != unanswered_.front().id)
    return fail(bad_answer("an answer to what was not asked"));
  Question question = std::move(unanswered_.front());
  unanswered_.pop_front();
  if (frame.type == FrameType::error) {
    observer_.on_failed(question.asked, question.below,
                        told_failure(FailureKind::request_refused, frame.payload));
  } else if (frame.type !=
             (question.type == FrameType::stat ? FrameType::status : FrameType::listing)) {
    fail(bad_answer("an answer to another question"));
  } else if (question.type == FrameType::stat) {
    on_status(std::move(question), frame.payload);
  } else {
    on_listing(std::move(question), frame.payload);
  }
  if (!ending_) ask();
}

void Lister::on_status(Question question, Bytes payload) {
  const auto status = read_payload<FileStatus>(payload);
  if (!status) return fail(bad_answer("a malformed STATUS"));
  observer_.on_found(
      question.asked,
      {.kind = status->kind, .size = status->identity.size, .mtime_ns = status->identity.mtime_ns});
  if (status->kind != FileKind::directory) return;
  question.type = FrameType::list;
  waiting_.push_back(std::move(question));
}

void Lister::on_listing(Question question, Bytes payload) {
  auto page = read_payload<FileListing>(payload);
  if (!page) return fail(bad_answer("a malformed LISTING"));
  if (!is_believable(*page, question.after)) return;

  std::vector<RemoteEntry> entries;
  entries.reserve(page->entries.size());
  for (const FileEntry& entry : page->entries) {
    entries.push_back({.name = joined_name(question.below, entry.name),
                       .kind = entry.kind,
                       .size = entry.size,
                       .mtime_ns = entry.mtime_ns});
  }
  if (!entries.empty()) observer_.on_entries(question.asked, entries);
  for (const RemoteEntry& entry : entries) {
    if (recursive_ && entry.kind == FileKind::directory) wait_for(question, entry.name);
  }
  if (!page->more) return;
  question.after = std::move(page->entries.back().name);
  waiting_bytes_ += question.below.size();
  waiting_.push_front(std::move(question));
}

// False: the listing was ended.
bool Lister::is_believable(const FileListing& page, std::string_view after) {
  if (page.more && page.entries.empty()) {
    fail(bad_answer("a listing that goes on with nothing"));
    return false;
  }
  for (const FileEntry& entry : page.entries) {
    if (!is_file_component(entry.name)) {
      fail(bad_answer("a listing with \"" + entry.name.substr(0, kNameShownMax) +
                      "\", which is no name of a file"));
      return false;
    }
    if (entry.name <= after) {
      fail(bad_answer("a listing that does not go on behind \"" + std::string(after) + "\""));
      return false;
    }
    after = entry.name;
  }
  entries_ += page.entries.size();
  if (entries_ <= entries_max_) return true;
  fail({.kind = FailureKind::too_big,
        .what = "a listing of more than " + std::to_string(entries_max_) + " entries"});
  return false;
}

// Queues a directory, behind those found before.
void Lister::wait_for(const Question& parent, const std::string& directory) {
  if (ending_) return;
  if (parent.level + 1 >= kLevelsMax) {
    return observer_.on_failed(
        parent.asked, directory,
        {.kind = FailureKind::too_big,
         .what = "more than " + std::to_string(kLevelsMax) + " directories in each other"});
  }
  waiting_bytes_ += directory.size();
  if (waiting_bytes_ > waiting_bytes_max_) {
    return fail({.kind = FailureKind::too_big,
                 .what = "more directories in directories than can be kept in mind"});
  }
  waiting_.push_back({.type = FrameType::list,
                      .asked = parent.asked,
                      .below = directory,
                      .level = parent.level + 1});
}

// ---- Silence, and the end ----

void Lister::on_deadline() {
  if (ending_ || !silence_.is_silent(client_)) return;
  fail({.kind = FailureKind::connect_timeout,
        .what = "the server has become silent, and answers no PING"});
}

void Lister::on_ended(const Failure& failure) {
  Failure why = failure_.kind == FailureKind::none ? failure : std::move(failure_);
  if (why.kind == FailureKind::none && !ending_) {
    why = {.kind = FailureKind::cut_short,
           .what = "the server ended the connection before everything was listed"};
  }
  observer_.on_ended(why);
  // *this may be destroyed.
}

}  // namespace fairlead
