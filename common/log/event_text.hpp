// How an event is written: both formats of the log, without the time, which is added when the line
// is queued.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/log/log_sink.hpp"

namespace fairlead {

// Appends `info listening listener=main address=127.0.0.1:7878`. A word that is empty, or holds a
// space, a quote, an equals sign or anything append_escaped() changes, stands in quotes with quotes
// inside as \". No newline is written whatever the words hold.
void append_event_text(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields);

// Appends the members of a JSON object, without its braces:
// `"level":"info","event":"listening","listener":"main"`. Numbers and bools are typed; a double
// that JSON cannot express is null.
void append_event_json(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields);

}  // namespace fairlead
