#include "client/api/reply_text.hpp"

namespace fairlead {
namespace {

// The bytes at the end of `reply` that begin a character of an encoding, if the characters before
// them show that it is in that encoding.
std::size_t torn_bytes(Bytes reply, const Prefix& prefix) {
  const bool is_shown =
      prefix.valid && !is_ascii(reply.substr(0, reply.size() - prefix.unfinished));
  return is_shown ? prefix.unfinished : 0;
}

std::size_t torn_bytes(Bytes reply, Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8:
      return utf8_prefix(reply).unfinished;
    case Encoding::gbk:
    case Encoding::gb18030:
      return gb18030_prefix(reply).unfinished;
    case Encoding::latin1:
    case Encoding::binary:
      return 0;
  }
  return 0;
}

}  // namespace

ReplyText read_reply(ClientEncoding& encoding, Bytes reply) {
  const auto decided = encoding.decided();
  std::size_t torn = 0;
  if (!decided || *decided == Encoding::utf8) torn = torn_bytes(reply, utf8_prefix(reply));
  // Bytes whose encoding is undecided and that are no valid text may be GB18030 except for their
  // last character.
  if (torn == 0 && decided != Encoding::utf8 && !is_utf8(reply))
    torn = torn_bytes(reply, gb18030_prefix(reply));
  const Bytes whole = reply.substr(0, reply.size() - torn);

  ReplyText result;
  result.encoding = encoding.observe(whole);
  if (torn == 0) torn = torn_bytes(reply, result.encoding);
  if (result.encoding == Encoding::binary || result.encoding == Encoding::latin1) torn = 0;
  result.torn = reply.substr(reply.size() - torn);
  append_utf8(result.utf8, reply.substr(0, reply.size() - torn), result.encoding);
  return result;
}

}  // namespace fairlead
