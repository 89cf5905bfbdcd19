#include <gtest/gtest.h>

#include "common/text/escape.hpp"

namespace fairlead {
namespace {

using namespace std::string_view_literals;

constexpr EscapeLetters kKnown{"n0"sv, "\n\0"sv};

struct Taken {
  std::string out, error;
  std::string_view rest;
};

Taken take(std::string_view text) {
  Taken taken;
  taken.error = take_escape(text, kKnown, taken.out);
  taken.rest = text;
  return taken;
}

TEST(Unescape, TakesOneEscapeAndNoMore) {
  EXPECT_EQ(take(R"(\nx)").out, "\n");
  EXPECT_EQ(take(R"(\nx)").rest, "x");
  EXPECT_EQ(take(R"(\01)").out, "\0"sv);
  EXPECT_EQ(take(R"(\xfF0)").out, "\xFF");
  EXPECT_EQ(take(R"(\xfF0)").rest, "0");
}

TEST(Unescape, SaysWhatThereIs) {
  EXPECT_EQ(take(R"(\t)").error, R"("\\t" is no escape: there are \n \0 and \xNN)");
  EXPECT_EQ(take(R"(\)").error, R"("\\" is no escape: there are \n \0 and \xNN)");
  for (const auto* text : {R"(\x)", R"(\x4)", R"(\x4g)", R"(\xg4)"}) {
    EXPECT_EQ(take(text).error, R"(\x needs two hexadecimal digits)");
    EXPECT_EQ(take(text).out, "");
  }
}

}  // namespace
}  // namespace fairlead
