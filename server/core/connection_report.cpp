// What is counted and logged of a connection.
#include <new>
#include <string>

#include "server/core/connection.hpp"

namespace fairlead {

void Connection::count_end() {
  Counters& counters = context_.counters;
  ++counters.closed[static_cast<std::size_t>(reason_)];
  add_traffic(counters);
  is_counted_ = true;
  write_log_line();
}

// Without memory the line is shorter, but it is not missing.
void Connection::write_log_line() noexcept {
  if (!context_.session_log.enabled(Level::info)) return;
  const bool has_left = reason_ == CloseReason::eof_before_data || reason_ == CloseReason::reset;
  if (bytes_in_ == 0 && has_left && !context_.settings->log.empty_sessions) return;
  const auto encoding = conversation_->encoding();
  std::string peer;
  try {
    peer = told_text(peer_, context_.settings->log.peer);
  } catch (const std::bad_alloc&) {
  }
  context_.session_log.info(
      "session", {field("id", id_), field("listener", listener().name), field("peer", peer),
                  field("protocol", name_of(kind())),
                  field("encoding", encoding ? name_of(*encoding) : "undecided"),
                  field("reason", name_of(reason_)), field("ms", (context_.now - started_).count()),
                  field("bytes_in", bytes_in_), field("bytes_out", output_.written_bytes()),
                  field("messages_in", messages_in_), field("messages_out", messages_out_)});
}

}  // namespace fairlead
