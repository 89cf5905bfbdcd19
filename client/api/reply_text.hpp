// The reply of a plain server, as UTF-8.
#pragma once

#include <string>

#include "common/text/client_encoding.hpp"

namespace fairlead {

struct ReplyText {
  std::string utf8;  // without `torn`; the bytes as received if they are binary
  Bytes torn;        // an incomplete character at the end of the reply; lives as long as
                     // the reply
  Encoding encoding = Encoding::utf8;  // the encoding that was detected
};

// Reads a complete reply; its encoding counts for the next ones. A reply cut off within a character
// keeps the encoding of its beginning: incomplete UTF-8 is often valid GB18030 by chance.
ReplyText read_reply(ClientEncoding& encoding, Bytes reply);

}  // namespace fairlead
