// The reply of a plain server, as UTF-8.
#pragma once

#include <string>

#include "common/text/client_encoding.hpp"

namespace fairlead {

// A reply for a person to read.
struct ReplyText {
  std::string utf8;  // without `torn`; the bytes as they came if they are no text
  Bytes torn;        // the end of the reply, where that is not a whole character; lives as long as
                     // the reply
  Encoding encoding = Encoding::utf8;  // the encoding that was detected
};

// Reads a complete reply, and lets it decide about the encoding of the next ones. A reply that was
// cut off within a character is read as what it was begun in: UTF-8 that ends torn often pairs up
// as valid GB18030.
ReplyText read_reply(ClientEncoding& encoding, Bytes reply);

}  // namespace fairlead
