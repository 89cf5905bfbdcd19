// Decoding a message of 64 bytes and encoding its reply, with each codec.
#include <benchmark/benchmark.h>

#include <string>

#include "common/protocol/framed_codec.hpp"
#include "common/protocol/len32_codec.hpp"
#include "common/protocol/text_codec.hpp"
#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/messages.hpp"

namespace fairlead {
namespace {

class Discarding final : public ByteSink {
 public:
  void send(Bytes bytes) override { benchmark::DoNotOptimize(bytes.data()); }
};

// Answers each frame with itself.
class Echoing final : public FrameSink {
 public:
  explicit Echoing(const Codec& codec) : codec_(codec) {}
  Flow on_frame(const Frame& frame) override {
    codec_.encode(frame, out_);
    return Flow::proceed;
  }

 private:
  const Codec& codec_;
  Discarding out_;
};

// Deliveries of as many messages as the argument says.
void decode_and_encode(benchmark::State& state, Codec& codec, const std::string& delivery) {
  Echoing echoing(codec);
  codec.feed(delivery, echoing);
  NoAllocations steady(state);
  for (auto _ : state) benchmark::DoNotOptimize(codec.feed(delivery, echoing));
  steady.report();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void text_codec(benchmark::State& state, const TextSettings& settings) {
  BufferPool pool;
  const EncodingSettings encodings;
  const ClientEncoding encoding(encodings);
  TextCodec codec(pool, settings, encoding, kMessageBytesMax);
  decode_and_encode(state, codec, text_messages(state.range(0)));
}

void text_line(benchmark::State& state) { text_codec(state, {.boundary = Boundary::line}); }
BENCHMARK(text_line)->Arg(1)->Arg(16);

void text_auto(benchmark::State& state) { text_codec(state, {.boundary = Boundary::automatic}); }
BENCHMARK(text_auto)->Arg(1)->Arg(16);

// Cut by the size of a chunk, not by deliveries of one message.
void text_chunk(benchmark::State& state) {
  text_codec(state, {.boundary = Boundary::chunk, .chunk = kMessageBytes});
}
BENCHMARK(text_chunk)->Arg(1)->Arg(16);

void len32(benchmark::State& state) {
  BufferPool pool;
  Len32Codec codec(pool, kMessageBytesMax);
  decode_and_encode(state, codec, len32_messages(state.range(0)));
}
BENCHMARK(len32)->Arg(1)->Arg(16);

void framed(benchmark::State& state) {
  BufferPool pool;
  FramedCodec codec(pool, kMessageBytesMax);
  Echoing echoing(codec);
  codec.feed(kPreface, echoing);
  decode_and_encode(state, codec, framed_messages(state.range(0), 1));
}
BENCHMARK(framed)->Arg(1)->Arg(16);

}  // namespace
}  // namespace fairlead
