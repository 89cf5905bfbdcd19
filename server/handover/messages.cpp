#include "server/handover/messages.hpp"

#include "common/base/check.hpp"
#include "common/base/crc32c.hpp"
#include "server/handover/fields.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kSumBytes = 4;

template <std::unsigned_integral Number>
void append_number_field(std::string& out, std::uint16_t tag, Number number) {
  std::string value;
  append_number(value, number);
  append_field(out, tag, value);
}

template <std::unsigned_integral Number>
Taken take_all(Bytes value, Number& number) {
  return taken(take_number(value, number) && value.empty());
}

}  // namespace

std::string bytes_of(const HandoverMessage& message) {
  FAIRLEAD_CHECK(message.fields.size() <= kHandoverFieldsMax);
  std::string out;
  out.reserve(kHeaderBytes + message.fields.size() + kSumBytes);
  append_number(out, static_cast<std::uint32_t>(message.fields.size()));
  append_number(out, static_cast<std::uint8_t>(message.kind));
  append_number(out, std::uint8_t{0});
  append_number(out, message.descriptors);
  out += message.fields;
  append_number(out, crc32c(out));
  return out;
}

// ---- The stream

void HandoverReader::feed(Bytes bytes) {
  if (!is_damaged_) buffer_ += bytes;
}

std::optional<HandoverMessage> HandoverReader::next() {
  if (is_damaged_) return std::nullopt;
  Bytes left = buffer_;
  std::uint32_t size = 0;
  std::uint8_t kind = 0;
  std::uint8_t reserved = 0;
  std::uint16_t descriptors = 0;
  if (!take_number(left, size)) return std::nullopt;
  is_damaged_ = size > kHandoverFieldsMax;
  if (is_damaged_ || left.size() < kHeaderBytes - sizeof size + size + kSumBytes)
    return std::nullopt;
  take_number(left, kind);
  take_number(left, reserved);
  take_number(left, descriptors);
  Bytes sum_bytes = left.substr(size);
  std::uint32_t sum = 0;
  take_number(sum_bytes, sum);
  is_damaged_ = reserved != 0 || sum != crc32c(Bytes(buffer_).substr(0, kHeaderBytes + size));
  if (is_damaged_) return std::nullopt;
  HandoverMessage message{static_cast<HandoverKind>(kind), descriptors,
                          std::string(left.substr(0, size))};
  buffer_.erase(0, kHeaderBytes + size + kSumBytes);
  return message;
}

// ---- HELLO, READY, GO

HandoverMessage make_hello(const HandoverVersions& versions) {
  HandoverMessage message{.kind = HandoverKind::hello, .fields = {}};
  append_number_field(message.fields, 0x8001, versions.oldest);
  append_number_field(message.fields, 0x8002, versions.newest);
  return message;
}

std::optional<HandoverVersions> read_hello(Bytes fields) {
  HandoverVersions versions;
  const bool is_right =
      read_fields(fields, {0x8001, 0x8002}, 0, [&](std::uint16_t tag, Bytes value) {
        if (tag == 0x8001) return take_all(value, versions.oldest);
        if (tag == 0x8002) return take_all(value, versions.newest);
        return Taken::unknown;
      });
  if (!is_right || versions.oldest == 0 || versions.newest < versions.oldest) return std::nullopt;
  return versions;
}

HandoverMessage make_ready(std::uint16_t version) {
  HandoverMessage message{.kind = HandoverKind::ready, .fields = {}};
  append_number_field(message.fields, 0x8001, version);
  return message;
}

std::optional<std::uint16_t> read_ready(Bytes fields) {
  std::uint16_t version = 0;
  const bool is_right = read_fields(fields, {0x8001}, 0, [&](std::uint16_t tag, Bytes value) {
    return tag == 0x8001 ? take_all(value, version) : Taken::unknown;
  });
  if (!is_right) return std::nullopt;
  return version;
}

HandoverMessage make_go(const GlobalState& global, std::uint16_t descriptors) {
  HandoverMessage message{.kind = HandoverKind::go, .descriptors = descriptors, .fields = {}};
  append_fields(message.fields, global);
  return message;
}

// ---- BATCH, ANSWER

HandoverMessage make_batch(std::uint32_t number, const std::vector<Bytes>& records) {
  FAIRLEAD_CHECK(!records.empty() && records.size() <= kBatchSessionsMax);
  HandoverMessage message{.kind = HandoverKind::batch,
                          .descriptors = static_cast<std::uint16_t>(records.size()),
                          .fields = {}};
  append_number_field(message.fields, 0x8001, number);
  for (const Bytes record : records) append_field(message.fields, 0x8002, record);
  return message;
}

std::optional<HandoverBatch> read_batch(Bytes fields) {
  HandoverBatch batch;
  const bool is_right =
      read_fields(fields, {0x8001, 0x8002}, 0x8002, [&](std::uint16_t tag, Bytes value) {
        if (tag == 0x8001) return take_all(value, batch.number);
        if (tag != 0x8002) return Taken::unknown;
        batch.records.push_back(value);
        return taken(batch.records.size() <= kBatchSessionsMax);
      });
  if (!is_right) return std::nullopt;
  return batch;
}

HandoverMessage make_answer(const HandoverAnswer& answer) {
  HandoverMessage message{.kind = HandoverKind::answer, .fields = {}};
  append_number_field(message.fields, 0x8001, answer.number);
  std::string verdicts;
  for (const HandoverRefusal verdict : answer.verdicts)
    append_number(verdicts, static_cast<std::uint8_t>(verdict));
  append_field(message.fields, 0x8002, verdicts);
  return message;
}

// A verdict of a later version is a refusal all the same.
std::optional<HandoverAnswer> read_answer(Bytes fields) {
  HandoverAnswer answer;
  const bool is_right =
      read_fields(fields, {0x8001, 0x8002}, 0, [&](std::uint16_t tag, Bytes value) {
        if (tag == 0x8001) return take_all(value, answer.number);
        if (tag != 0x8002) return Taken::unknown;
        for (const char verdict : value)
          answer.verdicts.push_back(static_cast<HandoverRefusal>(octet(verdict)));
        return taken(value.size() <= kBatchSessionsMax);
      });
  if (!is_right) return std::nullopt;
  return answer;
}

HandoverMessage make_refuse_all(HandoverRefusal why) {
  HandoverMessage message{.kind = HandoverKind::refuse_all, .fields = {}};
  append_number_field(message.fields, 0x8001, static_cast<std::uint8_t>(why));
  return message;
}

std::optional<HandoverRefusal> read_refuse_all(Bytes fields) {
  std::uint8_t number = 0;
  const bool is_right = read_fields(fields, {0x8001}, 0, [&](std::uint16_t tag, Bytes value) {
    return tag == 0x8001 ? take_all(value, number) : Taken::unknown;
  });
  if (!is_right || number == 0) return std::nullopt;
  return static_cast<HandoverRefusal>(number);
}

}  // namespace fairlead
