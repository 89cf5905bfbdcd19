// Where a plain server's reply ends, as a load test is told by --expect-end.
#pragma once

#include <cstddef>
#include <string_view>

#include "client/api/reply_codec.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// Reads "line", "http", "silence", "silence:TIME", "re:PATTERN", "text:TEXT" or any other TEXT. A
// TEXT may hold escapes and is written in `encoding`. Throws SettingError. The result is constant;
// with a pattern, threads that share it share RE2's lock.
ReplySettings parse_reply_end(std::string_view words, Encoding encoding = Encoding::utf8);

// How many bytes at the front of `in` are a whole HTTP/1 response, those with a status of 1xx
// before it included: by Content-Length, by chunks, or without a body for 204 and 304. 0: its end
// has not come, or only the end of the connection tells it. What does not begin as a response is
// one as far as it has come, so that it is found wrong. Replies to HEAD are not known.
std::size_t http_response_bytes(Bytes in);

}  // namespace fairlead
