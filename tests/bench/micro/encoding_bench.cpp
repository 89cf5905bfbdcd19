// Encodings: validation, conversion, and what each message tells of its client.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "common/text/client_encoding.hpp"
#include "common/text/encoding.hpp"
#include "tests/bench/micro/allocations.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kTextBytes = 64;

// About kTextBytes of one sentence after the other, in whole characters.
std::string repeated(std::string_view sentence) {
  std::string text;
  while (text.size() + sentence.size() <= kTextBytes) text += sentence;
  return text;
}

std::string ascii_text() { return std::string(kTextBytes, 'a'); }
std::string chinese_text() { return repeated("请输入要发送的内容:"); }
std::string gbk_text() {
  std::string text;
  append_encoded(text, chinese_text(), Encoding::gb18030);
  return text;
}

void report_bytes(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void validate(benchmark::State& state, bool (*valid)(Bytes) noexcept, const std::string& text) {
  for (auto _ : state) {
    Bytes bytes = text;
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(valid(bytes));
  }
  report_bytes(state, text);
}
BENCHMARK_CAPTURE(validate, utf8_ascii, is_utf8, ascii_text());
BENCHMARK_CAPTURE(validate, utf8_chinese, is_utf8, chinese_text());
BENCHMARK_CAPTURE(validate, gb18030_chinese, is_gb18030, gbk_text());

// Every message of a client that has or has not been decided.
void observe(benchmark::State& state, const std::string& text) {
  const EncodingSettings settings;
  ClientEncoding client(settings);
  NoAllocations steady(state);
  for (auto _ : state) benchmark::DoNotOptimize(client.observe(text));
  steady.report();
  report_bytes(state, text);
}
BENCHMARK_CAPTURE(observe, ascii, ascii_text());
BENCHMARK_CAPTURE(observe, utf8, chinese_text());
BENCHMARK_CAPTURE(observe, gbk, gbk_text());

void convert(benchmark::State& state, void (*append)(std::string&, Bytes, Encoding),
             const std::string& text, Encoding encoding) {
  std::string out;
  append(out, text, encoding);
  NoAllocations steady(state);
  for (auto _ : state) {
    out.clear();
    append(out, text, encoding);
    benchmark::DoNotOptimize(out.data());
  }
  steady.report();
  report_bytes(state, text);
}
BENCHMARK_CAPTURE(convert, gbk_to_utf8, append_utf8, gbk_text(), Encoding::gb18030);
BENCHMARK_CAPTURE(convert, utf8_to_gb18030, append_encoded, chinese_text(), Encoding::gb18030);
BENCHMARK_CAPTURE(convert, utf8_to_gbk, append_encoded, chinese_text(), Encoding::gbk);
BENCHMARK_CAPTURE(convert, latin1_to_utf8, append_utf8, ascii_text(), Encoding::latin1);

}  // namespace
}  // namespace fairlead
