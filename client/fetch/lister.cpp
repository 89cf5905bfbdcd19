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

ListerSettings framed(ListerSettings settings) {
  settings.client.connection.protocol = Protocol::framed;
  settings.client.connection.message_bytes_max = kFrameBytesMax;
  // A listing that was cut off is not resumed.
  if (settings.client.reconnect.when == ReconnectSettings::When::always)
    settings.client.reconnect.when = ReconnectSettings::When::until_connected;
  return settings;
}

Failure bad_answer(std::string what) {
  return {.kind = FailureKind::bad_protocol, .what = std::move(what)};
}

}  // namespace

Lister::Lister(ClientShard& shard, Network& network, const ListerSettings& settings,
               ListerObserver& observer)
    : settings_(framed(settings)),
      observer_(observer),
      client_(shard, network, settings_.client, *this) {}

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
  for (std::size_t i = 0; i < names_.size(); ++i) {
    // STAT takes no empty name, and the root is a directory.
    const FrameType type = names_[i].empty() ? FrameType::list : FrameType::stat;
    waiting_.push_back({.type = type, .asked = i});
  }
  client_.watch_silence(settings_.timeout);
  ask();
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
    question.id = client_.connection()->send_frame(
        question.type, settings_.client.connection.channel(), payload_of(question), true);
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
  client_.watch_silence(settings_.timeout);
  if (frame.channel != settings_.client.connection.channel()) return;
  switch (frame.type) {
    case FrameType::close:
      return fail(read_reason(FailureKind::turned_away, frame.payload));
    case FrameType::error:
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
                        read_reason(FailureKind::request_refused, frame.payload));
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
  const FileIdentity& identity = status->identity;
  const FileEntry entry{status->kind, identity.size, identity.mtime_ns, {}};
  observer_.on_entries(question.asked, {&entry, 1});
  if (status->kind != FileKind::directory) return;
  question.type = FrameType::list;
  waiting_.push_back(std::move(question));
}

void Lister::on_listing(Question question, Bytes payload) {
  auto page = read_payload<FileListing>(payload);
  if (!page) return fail(bad_answer("a malformed LISTING"));
  if (!is_believable(*page, question.after)) return;

  std::vector<FileEntry>& entries = page->entries;
  const std::string last = entries.empty() ? std::string() : entries.back().name;
  for (FileEntry& entry : entries) entry.name = joined_name(question.below, entry.name);
  if (!entries.empty()) observer_.on_entries(question.asked, entries);
  for (const FileEntry& entry : entries) {
    if (settings_.recursive && entry.kind == FileKind::directory) wait_for(question, entry.name);
  }
  if (!page->more) return;
  question.after = last;
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
  if (entries_ <= settings_.entries_max) return true;
  fail({.kind = FailureKind::too_big,
        .what = "a listing of more than " + std::to_string(settings_.entries_max) + " entries"});
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
  if (waiting_bytes_ > settings_.waiting_bytes_max) {
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
  fail({.kind = FailureKind::connect_timeout, .what = "the server has not answered for too long"});
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
