// TextCodec: the first bytes choose the boundary, the encoding, `chunk`, the size limit, and the
// seed of splits, pauses and stops; the rest is the stream.
#include "common/base/check.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/unit/protocol/text_client.hpp"

namespace fairlead {
namespace {

// The stream in pieces, with a silence after some of them.
struct Step {
  Bytes bytes;
  bool then_silence;
};

std::vector<Step> script_of(Bytes stream, std::uint16_t seed, bool with_silences) {
  std::mt19937 random(seed);
  std::vector<Step> steps;
  for (const Bytes piece : split_at_random(stream, random))
    steps.push_back({piece, with_silences && random() % 4 == 0});
  return steps;
}

Decoded play(const TextOptions& options, const std::vector<Step>& steps, std::size_t stop_every) {
  TextClient client(options, stop_every);
  Decoded decoded;
  const auto add = [&decoded](std::vector<Heard> more) {
    std::move(more.begin(), more.end(), std::back_inserter(decoded.heard));
  };
  for (const Step& step : steps) {
    add(client.feed(step.bytes));
    if (client.reason == CloseReason::none && step.then_silence) add(client.pause());
    if (client.reason != CloseReason::none) break;
  }
  if (client.reason == CloseReason::none) add(client.end());
  decoded.reason = client.reason;
  decoded.problem = client.problem;
  // Nothing is left behind by an end, nor by a failure.
  FAIRLEAD_CHECK(client.pool.bytes_in_use() == 0);
  return decoded;
}

std::string without_line_ends(Bytes bytes) {
  std::string kept(bytes);
  std::erase_if(kept, [](char c) { return c == '\n' || c == '\r'; });
  return kept;
}

void check_messages(const TextOptions& options, Bytes stream, const Decoded& decoded) {
  const std::size_t longest =
      options.boundary == Boundary::line ? options.message_bytes_max : options.chunk;
  for (const Heard& heard : decoded.heard) {
    FAIRLEAD_CHECK(!heard.payload.empty());
    FAIRLEAD_CHECK(heard.payload.size() <= longest);
    const bool one_line = heard.payload.find('\n') == std::string::npos;
    FAIRLEAD_CHECK(options.boundary == Boundary::chunk || one_line);
  }
  if (options.boundary == Boundary::chunk) {
    FAIRLEAD_CHECK(joined(decoded.heard) == stream);
  } else if (decoded.reason == CloseReason::none) {
    FAIRLEAD_CHECK(without_line_ends(joined(decoded.heard)) == without_line_ends(stream));
  }
  FAIRLEAD_CHECK(decoded.reason == CloseReason::none || options.boundary == Boundary::line);
}

// Where no silence excuses it, no message begins or ends within a character.
void check_characters(const TextOptions& options, Bytes stream, const Decoded& decoded) {
  const auto decode = options.encoding.decode;
  bool (*const is_whole)(Bytes) = decode == Encoding::utf8 ? is_utf8 : is_gb18030;
  if (!decode || decode == Encoding::binary || decode == Encoding::latin1) return;
  if (!is_whole(stream)) return;
  for (const Heard& heard : decoded.heard) FAIRLEAD_CHECK(is_whole(heard.payload));
}

void check(FuzzInput input) {
  constexpr std::optional<Encoding> kDecodes[] = {
      {}, Encoding::utf8, Encoding::gbk, Encoding::gb18030, Encoding::latin1, Encoding::binary};
  TextOptions options;
  options.boundary = static_cast<Boundary>(input.below(3));
  options.encoding.decode = kDecodes[input.below(std::size(kDecodes))];
  options.chunk = 4U + input.below(60);
  options.message_bytes_max = 1U + input.byte();
  const std::uint16_t seed = input.two_bytes();
  const Bytes stream = input.rest();

  const auto script = script_of(stream, seed, true);
  const Decoded played = play(options, script, 0);
  check_messages(options, stream, played);
  FAIRLEAD_CHECK(play(options, script, 0) == played);

  const auto quiet = script_of(stream, seed, false);
  const Decoded split = play(options, quiet, 0);
  check_messages(options, stream, split);
  check_characters(options, stream, split);
  if (options.boundary == Boundary::chunk) return;
  FAIRLEAD_CHECK(play(options, {{stream, false}}, 0) == split);
  FAIRLEAD_CHECK(play(options, quiet, 1 + seed % 3) == split);
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::check(fairlead::FuzzInput(data, size));
  return 0;
}
