// What the two daemons of an upgrade say to each other (docs/decisions/0016), over a stream that
// carries descriptors beside the bytes. Sans-IO.
//
// clang-format off
//   offset  size  field                  kind            from  fields
//   0       4     length of the fields   1  HELLO        old   8001 u16 oldest version, 8002 u16 newest
//   4       1     kind                   2  READY        new   8001 u16 version; 0: none in common
//   5       1     0                      3  GO           old   GlobalState
//   6       2     descriptors            4  BATCH        old   8001 u32 number, 8002 session, for each
//   8       ...   fields                 5  ANSWER       new   8001 u32 number, 8002 u8 refusal for each
//   ...     4     CRC-32C of all before  6  REFUSE_ALL   new   8001 u8 refusal
//                                        7  DONE         old
// clang-format on
//
// The descriptors of a BATCH are its sessions', in their order; those of GO are the channels to
// still older daemons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "server/handover/state.hpp"

namespace fairlead {

// The version of the messages. New facts become fields; this grows only where the order of the
// messages changes.
inline constexpr std::uint16_t kHandoverVersion = 1;

// The kernel passes no more at a time (SCM_MAX_FD).
inline constexpr std::size_t kBatchSessionsMax = 253;

// A batch is complete when its records reach this: its sessions rest until it is answered.
inline constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

// One record more than kBatchBytes, with all that is not carried input and output.
inline constexpr std::size_t kHandoverFieldsMax =
    kBatchBytes + kCarriedBytesMax + (std::size_t{1} << 18);

enum class HandoverKind : std::uint8_t { hello = 1, ready, go, batch, answer, refuse_all, done };

struct HandoverMessage {
  HandoverKind kind;  // may be a number that this version does not know
  std::uint16_t descriptors = 0;
  std::string fields;
};

std::string bytes_of(const HandoverMessage& message);

// Takes a stream apart, at any split of it. After damage nothing more comes.
class HandoverReader {
 public:
  void feed(Bytes bytes);
  // Nothing: the next message is not complete, or the stream is damaged.
  std::optional<HandoverMessage> next();
  bool is_damaged() const noexcept { return is_damaged_; }
  // How much there is of a message that is not complete.
  std::size_t waiting_bytes() const noexcept { return buffer_.size(); }

 private:
  std::string buffer_;  // at most one message, and what came with its end
  bool is_damaged_ = false;
};

// ---- The fields of each kind. A reader says nothing where they cannot be understood.

struct HandoverVersions {
  std::uint16_t oldest = kHandoverVersion, newest = kHandoverVersion;
};
HandoverMessage make_hello(const HandoverVersions& versions);
std::optional<HandoverVersions> read_hello(Bytes fields);

HandoverMessage make_ready(std::uint16_t version);
std::optional<std::uint16_t> read_ready(Bytes fields);

HandoverMessage make_go(const GlobalState& global, std::uint16_t descriptors);

// `records` are those of append_fields(SessionState); 1 to kBatchSessionsMax.
HandoverMessage make_batch(std::uint32_t number, const std::vector<Bytes>& records);
struct HandoverBatch {
  std::uint32_t number = 0;
  std::vector<Bytes> records;  // parts of the message
};
std::optional<HandoverBatch> read_batch(Bytes fields);

struct HandoverAnswer {
  std::uint32_t number = 0;
  std::vector<HandoverRefusal> verdicts;  // in the order of the batch; none: taken
};
HandoverMessage make_answer(const HandoverAnswer& answer);
std::optional<HandoverAnswer> read_answer(Bytes fields);

HandoverMessage make_refuse_all(HandoverRefusal why);
std::optional<HandoverRefusal> read_refuse_all(Bytes fields);

}  // namespace fairlead
