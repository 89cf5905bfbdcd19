#include "client/api/reply_text.hpp"

namespace fairlead {
namespace {

// The bytes at the end of `reply` that begin a UTF-8 character, if the characters before them show
// that it is UTF-8.
std::size_t torn_utf8(Bytes reply) {
  const Prefix prefix = utf8_prefix(reply);
  if (!prefix.valid || is_ascii(reply.substr(0, reply.size() - prefix.unfinished))) return 0;
  return prefix.unfinished;
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

bool may_be_utf8(const ClientEncoding& encoding) {
  const auto decided = encoding.decided();
  return !decided || *decided == Encoding::utf8;
}

// Bytes whose encoding is undecided and that are no valid text may be GB18030 except for their last
// character.
bool is_torn_gb18030(Bytes reply) {
  const Prefix prefix = gb18030_prefix(reply);
  return prefix.valid && prefix.unfinished > 0 &&
         !is_ascii(reply.substr(0, reply.size() - prefix.unfinished));
}

}  // namespace

ReplyText read_reply(ClientEncoding& encoding, Bytes reply) {
  std::size_t torn = may_be_utf8(encoding) ? torn_utf8(reply) : 0;
  const bool may_be_gb18030 = encoding.decided() != Encoding::utf8;
  if (torn == 0 && may_be_gb18030 && !is_utf8(reply) && is_torn_gb18030(reply))
    torn = gb18030_prefix(reply).unfinished;
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
