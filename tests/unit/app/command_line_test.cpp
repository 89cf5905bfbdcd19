#include "server/app/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/key_table.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

CommandLine parsed(const Words& arguments) {
  const auto result = parse_command_line(arguments);
  EXPECT_TRUE(result);
  return result.value_or(CommandLine{});
}

TEST(CommandLineOptions, RunsWithoutAny) {
  const auto line = parsed({});
  EXPECT_EQ(line.action, CommandLine::Action::run);
  EXPECT_FALSE(line.config_file);
  EXPECT_FALSE(line.port);
  EXPECT_THAT(line.settings, IsEmpty());
  EXPECT_THAT(line.listen, IsEmpty());
}

TEST(CommandLineOptions, TakesShortAndLongForms) {
  for (const Words& arguments :
       {Words{"-c", "f", "-p", "80"}, Words{"-cf", "-p80"}, Words{"--config", "f", "--port", "80"},
        Words{"--config=f", "--port=80"}}) {
    const auto line = parsed(arguments);
    EXPECT_EQ(line.config_file, "f");
    EXPECT_EQ(line.port, 80);
  }
}

TEST(CommandLineOptions, KeepsRepeatedOptionsInOrder) {
  const auto line = parsed({"--set", "a.b=1", "--listen", ":1", "--set=c.d=", "--listen=[::1]:2",
                            "--listen", "unix:/run/x"});
  EXPECT_THAT(line.settings, ElementsAre("a.b=1", "c.d="));
  EXPECT_THAT(line.listen, ElementsAre(":1", "[::1]:2", "unix:/run/x"));
}

TEST(CommandLineOptions, ChoosesTheMostTalkativeAction) {
  using Action = CommandLine::Action;
  EXPECT_EQ(parsed({"-t"}).action, Action::test);
  EXPECT_EQ(parsed({"--test"}).action, Action::test);
  EXPECT_EQ(parsed({"-T"}).action, Action::print);
  EXPECT_EQ(parsed({"-tT"}).action, Action::print);
  EXPECT_EQ(parsed({"--doctor", "-tT"}).action, Action::doctor);
  EXPECT_EQ(parsed({"--doctor", "-V"}).action, Action::version);
  EXPECT_EQ(parsed({"-T", "-V"}).action, Action::version);
  EXPECT_EQ(parsed({"-V", "-h"}).action, Action::help);
  EXPECT_EQ(parsed({"--help"}).action, Action::help);
  EXPECT_EQ(parsed({"--version"}).action, Action::version);
}

TEST(CommandLineOptions, TakesTheEndsOfThePortRange) {
  EXPECT_EQ(parsed({"-p", "0"}).port, 0);
  EXPECT_EQ(parsed({"-p", "65535"}).port, 65535);
}

TEST(CommandLineOptions, SaysWhatIsWrong) {
  struct Row {
    Words arguments;
    const char* error;
  };
  const Row rows[] = {
      {{"-p", "65536"}, R"(-p "65536" is not a port from 0 to 65535)"},
      {{"-p", "x"}, R"(-p "x" is not a port from 0 to 65535)"},
      {{"-p", "80x"}, R"(-p "80x" is not a port from 0 to 65535)"},
      {{"-p", "+1"}, R"(-p "+1" is not a port from 0 to 65535)"},
      {{"--set", "a"}, R"(--set "a" is not SECTION.KEY=VALUE)"},
      {{"--set", "a=b"}, R"(--set "a=b" is not SECTION.KEY=VALUE)"},
      {{"-x"}, "unrecognised option '-x'"},
      {{"--docter"}, "unrecognised option '--docter'"},
      {{"--conf", "f"}, "unrecognised option '--conf'"},
      {{"-c"}, "the required argument for option '--config' is missing"},
      {{"-c", "a", "-c", "b"}, "option '--config' cannot be specified more than once"},
      {{"--test=1"}, "option '--test' does not take any arguments"},
      {{"file"}, "an argument that is no option; a configuration is given with -c"},
      {{"--\x1b"}, "unrecognised option '--\\x1b'"},
  };
  for (const auto& [arguments, error] : rows) {
    const auto result = parse_command_line(arguments);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().what, std::string(error) + " (fairleadd -h shows the options)");
  }
  const auto result = parse_command_line({"--listen", "nowhere:port"});
  EXPECT_THAT(result.error().what, HasSubstr("--listen \"nowhere:port\": "));
}

TEST(CommandLineOptions, HelpShowsEveryOptionAndEveryKey) {
  const auto help = help_text();
  for (const char* option :
       {"-c [ --config ] FILE", "--listen ADDRESS", "-p [ --port ] PORT", "--set SECTION.KEY=VALUE",
        "-t [ --test ]", "-T [ --print ]", "-V [ --version ]", "-h [ --help ]"})
    EXPECT_THAT(help, HasSubstr(option));
  for (const Key& key : all_keys())
    EXPECT_THAT(help, HasSubstr(" " + std::string(key.name) + " = "));
}

}  // namespace
}  // namespace fairlead
