#include "server/services/file/download.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

// What one turn gives to the kernel for one client, at most: unread, or read.
constexpr std::size_t kUnreadBytesMax = 1024 * 1024;
constexpr std::size_t kPieceBytesMax = FileService::kPieceBytesMax;
constexpr std::size_t kPieceBytesMin = 32 * 1024;

}  // namespace

TimePoint Pace::next(std::uint64_t sent, std::uint64_t rate, TimePoint now) {
  if (began_ == kNever) began_ = now;
  const TimePoint due = began_ + Duration(sent * 1000 / rate);
  constexpr Duration kCatchUpMax{1000};
  if (due < now - kCatchUpMax) began_ += now - kCatchUpMax - due;
  return due;
}

std::size_t Pace::piece_bytes(std::uint64_t rate) {
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(rate / 10, 1, kPieceBytesMax));
}

Download::Download(FileService& service, Peer& peer, std::uint32_t request, Form form,
                   std::unique_ptr<OpenFile> file, DownloadSlot slot, std::uint64_t offset,
                   std::uint64_t bytes)
    : service_(service),
      peer_(peer),
      request_(request),
      form_(form),
      file_(std::move(file)),
      slot_(std::move(slot)),
      offset_(offset),
      left_(bytes),
      piece_bytes_(kPieceBytesMax) {}

BodySource::Piece Download::next(Means means) {
  if (is_reading_ahead_) return {.state = State::later};
  if (read_ahead_failed_ != RequestError::none) return refuse(read_ahead_failed_);
  if (left_ == 0) {
    complete();
    return {};
  }
  std::uint64_t bytes_max = left_;
  if (const std::uint64_t rate = service_.settings().max_rate; rate != 0) {
    const TimePoint now = service_.clock().now();
    const TimePoint due = pace_.next(sent_, rate, now);
    if (due > now) {
      service_.wake_later(peer_, due);
      return {.state = State::later};
    }
    bytes_max = std::min<std::uint64_t>(bytes_max, Pace::piece_bytes(rate));
  }
  if (form_ == Form::raw && means == Means::any) {
    const FilePart part = file_->cached_part(
        offset_, static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, kUnreadBytesMax)));
    if (part.size > 0) return {.state = State::ready, .file = part};
  }
  return read_piece(static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, piece_bytes_)));
}

BodySource::Piece Download::read_piece(std::size_t bytes_max) {
  char* const into = service_.piece_buffer(offset_);
  const OpenFile::ReadResult read = file_->read_cached(offset_, into, bytes_max);
  switch (read.status) {
    case OpenFile::ReadStatus::not_cached:
      return read_ahead();
    case OpenFile::ReadStatus::failed:
      return refuse(RequestError::internal_error);
    case OpenFile::ReadStatus::end_of_file:
      return refuse(RequestError::file_changed);
    case OpenFile::ReadStatus::ok:
      break;
  }
  if (form_ != Form::raw && !file_->is_unchanged()) return refuse(RequestError::file_changed);
  const Bytes bytes(into, read.size);
  if (form_ != Form::one_reply) return {.state = State::ready, .bytes = bytes};
  reply_ += bytes;
  if (advance(bytes.size()) == State::over) return {};
  peer_.call_when_writable();
  return {.state = State::later};
}

BodySource::Piece Download::read_ahead() {
  is_reading_ahead_ = true;
  task_ = service_.store().start(ReadAhead{*file_, offset_}, [this](FileAnswer answer) {
    is_reading_ahead_ = false;
    if (const auto* failed = std::get_if<RequestError>(&answer)) read_ahead_failed_ = *failed;
    peer_.call_when_writable();
  });
  return {.state = State::later};
}

BodySource::State Download::advance(std::size_t bytes) {
  offset_ += bytes;
  left_ -= bytes;
  sent_ += bytes;
  // What the kernel does not take has been read in vain.
  if (form_ == Form::frames) piece_bytes_ = std::clamp(2 * bytes, kPieceBytesMin, kPieceBytesMax);
  if (left_ > 0) return State::ready;
  complete();
  return State::over;
}

void Download::complete() {
  std::string payload;
  switch (form_) {
    case Form::raw:
      return peer_.close(CloseReason::completed);
    case Form::one_reply:
      peer_.answer(request_, FrameType::reply, reply_);
      break;
    case Form::frames:
      append_payload(payload, FileEnd{sent_});
      peer_.answer(request_, FrameType::end, payload);
      break;
  }
  service_.finish_request(peer_);
}

BodySource::Piece Download::refuse(RequestError why) {
  service_.refuse(peer_, why);
  return {};
}

}  // namespace fairlead
