#include "common/config/units.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadDurationsWithEveryUnit) {
  EXPECT_EQ(parse_duration("20ms").value(), 20ms);
  EXPECT_EQ(parse_duration("2s").value(), 2s);
  EXPECT_EQ(parse_duration("10m").value(), 10min);
  EXPECT_EQ(parse_duration("3h").value(), 3h);
  EXPECT_EQ(parse_duration("1d").value(), 24h);
  EXPECT_EQ(parse_duration("7").value(), 7s);
  EXPECT_EQ(parse_duration("0").value(), 0ms);
  EXPECT_EQ(parse_duration("0ms").value(), 0ms);
}

TEST(Units, ReadFineDurationsOnlyWithTheirUnit) {
  EXPECT_EQ(parse_fine_duration("20ms").value(), 20ms);
  EXPECT_EQ(parse_fine_duration("1.5us").value(), 1500ns);
  EXPECT_EQ(parse_fine_duration("2s").value(), 2s);
  EXPECT_EQ(parse_fine_duration("1.5m").value(), 90s);
  EXPECT_EQ(parse_fine_duration("1h").value(), 1h);
  EXPECT_EQ(parse_fine_duration("20").error().what,
            R"("20" is not a time: write a number and us, ms, s, m or h, such as 20ms)");
  EXPECT_EQ(parse_fine_duration("0.5ns").error().what,
            R"("0.5ns" is not a whole number of nanoseconds)");
}

TEST(Units, ReadDecimalsExactly) {
  EXPECT_EQ(parse_duration("1.5s").value(), 1500ms);
  EXPECT_EQ(parse_duration("0.25").value(), 250ms);
  EXPECT_EQ(parse_duration("0.5 d").value(), 12h);
  EXPECT_EQ(parse_size("1.5k").value(), 1536U);
  EXPECT_EQ(parse_count("2.5k").value(), 2500U);
}

TEST(Units, ReadSizesInPowersOf1024) {
  EXPECT_EQ(parse_size("1024").value(), 1024U);
  EXPECT_EQ(parse_size("12b").value(), 12U);
  EXPECT_EQ(parse_size("64k").value(), 65536U);
  EXPECT_EQ(parse_size("64K").value(), 65536U);
  EXPECT_EQ(parse_size("1m").value(), 1048576U);
  EXPECT_EQ(parse_size("2g").value(), 2147483648U);
  EXPECT_EQ(parse_size("32KiB").value(), 32768U);
  EXPECT_EQ(parse_size("1MiB").value(), 1048576U);
  EXPECT_EQ(parse_size("1 GiB").value(), 1073741824U);
}

TEST(Units, ReadCountsInPowersOf1000) {
  EXPECT_EQ(parse_count("0").value(), 0U);
  EXPECT_EQ(parse_count("10k").value(), 10'000U);
  EXPECT_EQ(parse_count("3M").value(), 3'000'000U);
}

TEST(Units, ReadFlagsInEverySpelling) {
  for (const auto* text : {"yes", "true", "on", "Yes", "ON"})
    EXPECT_EQ(parse_flag(text).value(), true);
  for (const auto* text : {"no", "false", "off", "False"})
    EXPECT_EQ(parse_flag(text).value(), false);
}

TEST(Units, ReadModesInOctal) {
  EXPECT_EQ(parse_mode("0660").value(), 0660U);
  EXPECT_EQ(parse_mode("777").value(), 0777U);
  EXPECT_EQ(parse_mode("0").value(), 0U);
}

TEST(Units, KeepTheLargestValueAndRefuseTheNext) {
  EXPECT_EQ(parse_size("18446744073709551615").value(), UINT64_MAX);
  EXPECT_EQ(parse_size("18446744073709551616").error().what,
            R"("18446744073709551616" is too large)");
  EXPECT_EQ(parse_size("17179869183g").value(), 17179869183ULL << 30);
  EXPECT_EQ(parse_size("17179869184g").error().what, R"("17179869184g" is too large)");
  EXPECT_EQ(parse_duration("9223372036854775807ms").value(), Duration::max());
  EXPECT_EQ(parse_duration("9223372036854775808ms").error().what,
            R"("9223372036854775808ms" is too large)");
}

struct Refusal {
  const char* text;
  const char* error;
};

TEST(Units, SayWhatIsWrongWithADuration) {
  constexpr const char* kHint =
      " is not a duration: write a number and ms, s, m, h or d, such as 30s";
  for (const char* text : {"", "s", "abc", "-1", "+1", "5x", "1.s", ".5s", "1,5s", "1e3", "5M",
                           "1 2s", "10 min", "0x10", "1.0000000001s", "1s ", "ms"})
    EXPECT_EQ(parse_duration(text).error().what, '"' + std::string(text) + '"' + kHint);
  EXPECT_EQ(parse_duration("0.5ms").error().what,
            R"("0.5ms" is not a whole number of milliseconds)");
  EXPECT_EQ(parse_duration("0.0001").error().what,
            R"("0.0001" is not a whole number of milliseconds)");
}

TEST(Units, SayWhatIsWrongWithASizeACountAFlagAndAMode) {
  const Refusal sizes[] = {
      {"1KB", R"("1KB" is not a size: write a number and k, m or g, such as 64k or 1MiB)"},
      {"1t", R"("1t" is not a size: write a number and k, m or g, such as 64k or 1MiB)"},
      {"0.3", R"("0.3" is not a whole number of bytes)"},
  };
  for (const auto& [text, error] : sizes) EXPECT_EQ(parse_size(text).error().what, error);
  EXPECT_EQ(
      parse_count("ten").error().what,
      R"("ten" is not a number: write digits, and k or m for thousands and millions, such as 10k)");
  EXPECT_EQ(parse_count("0.5").error().what, R"("0.5" is not a whole number of units)");
  for (const char* text : {"", "1", "y", "maybe"})
    EXPECT_EQ(parse_flag(text).error().what, '"' + std::string(text) + "\" is neither yes nor no");
  for (const char* text : {"", "8", "0o660", "1000", "00660", "rw"})
    EXPECT_EQ(parse_mode(text).error().what,
              '"' + std::string(text) +
                  "\" is not a file mode: write octal digits up to 0777, such as 0660");
}

TEST(Units, RefusalsShowControlBytesEscaped) {
  EXPECT_EQ(parse_flag("\x1b[2J").error().what, R"("\x1b[2J" is neither yes nor no)");
}

TEST(Units, WriteWhatTheyRead) {
  for (const auto value : {0ms, 1ms, 20ms, 1500ms, 2000ms, 60000ms, 600000ms, 86400000ms})
    EXPECT_EQ(parse_duration(format_duration(value)).value(), value);
  for (const std::uint64_t value : {0U, 1U, 1023U, 1024U, 1536U, 1048576U, 16777215U})
    EXPECT_EQ(parse_size(format_size(value)).value(), value);
  for (const std::uint64_t value : {0U, 1U, 999U, 1000U, 1500U, 2000000U})
    EXPECT_EQ(parse_count(format_count(value)).value(), value);
  EXPECT_EQ(format_duration(600000ms), "10m");
  EXPECT_EQ(format_duration(0ms), "0");
  EXPECT_EQ(format_size(262144), "256KiB");
  EXPECT_EQ(format_count(10'000), "10k");
}

}  // namespace
}  // namespace fairlead
