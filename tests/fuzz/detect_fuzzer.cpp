// detect(): the input is what a client sends first.
#include "common/base/check.hpp"
#include "common/protocol/detect.hpp"
#include "common/protocol/frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

// The detection table of docs/protocol.md, row by row.
Detected by_the_table(Bytes first) {
  constexpr Bytes kTls{"\x16\x03", 2};
  const Bytes framed = kPreface.substr(0, 4);
  if (first.starts_with('\0')) return Detected::len32;
  if (first.starts_with(kTls)) return Detected::tls;
  if (first.starts_with(framed)) return Detected::framed;
  return kTls.starts_with(first) || framed.starts_with(first) ? Detected::undecided
                                                              : Detected::text;
}

void check_every_prefix(Bytes stream) {
  Detected decided = Detected::undecided;
  for (std::size_t size = 0; size <= std::min<std::size_t>(stream.size(), 16); ++size) {
    const Detected now = detect(stream.substr(0, size));
    FAIRLEAD_CHECK(now == by_the_table(stream.substr(0, size)));
    FAIRLEAD_CHECK(decided == Detected::undecided || now == decided);
    FAIRLEAD_CHECK(now != Detected::undecided || size <= 3);
    decided = now;
  }
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::FuzzInput input(data, size);
  fairlead::check_every_prefix(input.rest());
  return 0;
}
