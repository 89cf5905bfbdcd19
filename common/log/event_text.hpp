// Writes an event in both formats of the log, without the time, which spdlog adds.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/log/log_sink.hpp"

namespace fairlead {

// Appends `info listening listener=main address=127.0.0.1:7878`. A word is put in quotes, with
// quotes inside as \", if it is empty or holds a space, a quote, an equals sign or anything that
// append_escaped() changes. No word can add a newline.
void append_event_text(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields);

// Appends the members of a JSON object, without its braces:
// `"level":"info","event":"listening","listener":"main"`. Numbers and bools are typed; a double
// that JSON cannot express is null.
void append_event_json(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields);

}  // namespace fairlead
