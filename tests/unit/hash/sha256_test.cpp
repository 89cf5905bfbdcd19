#include "common/hash/sha256.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

std::string hex(const Sha256::Digest& digest) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : digest) {
    out += kDigits[octet(byte) >> 4];
    out += kDigits[octet(byte) & 15];
  }
  return out;
}

// FIPS 180-2, appendix B, and the empty message.
TEST(Sha256, GivesTheDigestsOfTheStandard) {
  Sha256 hash;
  EXPECT_EQ(hex(hash.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hash.update("abc");
  EXPECT_EQ(hex(hash.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (int i = 0; i < 1000; ++i) hash.update(std::string(1000, 'a'));
  EXPECT_EQ(hex(hash.finish()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotMindHowItIsFed) {
  const std::string text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  Sha256 hash;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    hash.update(Bytes(text).substr(0, cut));
    hash.update(Bytes(text).substr(cut));
    EXPECT_EQ(hex(hash.finish()),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  }
}

}  // namespace
}  // namespace fairlead
