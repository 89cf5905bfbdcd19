// The parts of the commands that need no connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <set>

#include "client/cli/columns.hpp"
#include "client/cli/environment.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "client/cli/reply_printer.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ReadOptions read(const Words& arguments) {
  program_options::options_description table;
  add_text_options(table);
  add_connection_options(table);
  return read_options("send", table, arguments);
}

std::string usage_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

TEST(ExitCodes, AreCurlsNumbers) {
  const auto code = [](Failure failure) { return result_of(failure).exit_code; };
  EXPECT_EQ(code({.kind = FailureKind::none}), 0);
  EXPECT_EQ(code({.kind = FailureKind::bad_protocol}), 1);
  EXPECT_EQ(code({.kind = FailureKind::name_not_resolved}), 6);
  EXPECT_EQ(code({.kind = FailureKind::refused}), 7);
  EXPECT_EQ(code({.kind = FailureKind::unreachable}), 7);
  EXPECT_EQ(code({.kind = FailureKind::connect_timeout}), 28);
  EXPECT_EQ(code({.kind = FailureKind::reset}), 56);
  EXPECT_EQ(code({.kind = FailureKind::reset, .unsent = true}), 55);
  EXPECT_EQ(code({.kind = FailureKind::vanished}), 56);
  EXPECT_EQ(code({.kind = FailureKind::broken, .unsent = true}), 55);
  EXPECT_EQ(code({.kind = FailureKind::cut_short}), 56);
  EXPECT_EQ(code({.kind = FailureKind::too_big}), 63);
}

TEST(ExitCodes, TheServersReasonDecidesTheExitCode) {
  const auto code = [](CloseReason told) {
    return result_of(Failure{.kind = FailureKind::turned_away, .told = told}).exit_code;
  };
  EXPECT_EQ(code(CloseReason::server_full), 7);
  EXPECT_EQ(code(CloseReason::denied), 7);
  EXPECT_EQ(code(CloseReason::message_too_big), 63);
  EXPECT_EQ(code(CloseReason::protocol_error), 1);
  EXPECT_EQ(code(CloseReason::draining), 56);
  EXPECT_EQ(result_of(CloseReason::unknown_service, "no").exit_code, 1);
  EXPECT_THAT(result_of(CloseReason::unknown_service, "no").line, HasSubstr("unknown_service: no"));
}

TEST(ExitCodes, ARefusedRequestReportsTheServersReason) {
  const auto outcome = [](CloseReason told) {
    return result_of(Failure{.kind = FailureKind::request_refused, .told = told, .what = "why"});
  };
  EXPECT_EQ(outcome(CloseReason::no_such_file).exit_code, 78);
  EXPECT_EQ(outcome(CloseReason::unknown_service).exit_code, 1);
  EXPECT_EQ(outcome(CloseReason::server_full).exit_code, 7);
  EXPECT_THAT(outcome(CloseReason::no_such_file).line, HasSubstr("no_such_file: why"));
}

TEST(ExitCodes, EveryFailureHasALineWithAdvice) {
  for (int kind = 1; kind <= static_cast<int>(FailureKind::too_big); ++kind) {
    const std::string line = result_of(Failure{.kind = static_cast<FailureKind>(kind)}).line;
    EXPECT_THAT(line, HasSubstr(";")) << kind;
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

// What a line quotes has been escaped by whoever quoted it.
TEST(ExitCodes, ABackslashIsShownOnce) {
  EXPECT_EQ(report_line("", {kExitUsage, R"("\q" is no escape: there are \r \n \\)"}),
            "fairlead: \"\\q\" is no escape: there are \\r \\n \\\\\n");
  EXPECT_EQ(report_line("", {kExitUsage, "a\\\x1b\n"}), "fairlead: a\\\\x1b\\n\n");
}

TEST(ExitCodes, TextOfAServerIsEscapedInEveryLine) {
  const Failure failure{.kind = FailureKind::turned_away,
                        .told = CloseReason::draining,
                        .what = "\x1b]0;mine\x07\nfairlead: fine\xff"};
  const std::string shown = "draining: \\x1b]0;mine\\x07\\nfairlead: fine\\xff";
  EXPECT_EQ(report_line("h\n:1", result_of(failure)),
            "fairlead: h\\n:1: the server ended the connection: " + shown + "\n");
  EXPECT_EQ(
      retry_notice(failure, true, Duration(1500)),
      "connection lost: the server ended the connection: " + shown + "; trying again in 1500ms");
  EXPECT_EQ(retry_notice({}, false, Duration(1000)),
            "the server ended the connection; trying again in 1s");
}

TEST(Options, UnknownNamesAreRejectedWithASuggestion) {
  EXPECT_THAT(usage_error([] { read({"--protocl", "x"}); }), HasSubstr("--protocl"));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--protocol", "frame"}), "h:1");
              }),
              HasSubstr("did you mean \"framed\""));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--source", "host"}), "h:1");
              }),
              HasSubstr("--source"));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--source", "10.0.0.0/8"}), "h:1");
              }),
              HasSubstr("--source"));
  EXPECT_THAT(usage_error([] { client_settings(read({"-4", "-6"}), "h:1"); }), HasSubstr("-4"));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--service", "x"}), "h:1");
              }),
              HasSubstr("framed"));
  EXPECT_THAT(usage_error([] { client_settings(read({}), "7878"); }), HasSubstr("7878"));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--connect-timeout", "5x"}), "h:1");
              }),
              HasSubstr("--connect-timeout"));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--retries", "1"}), "h:1");
              }),
              HasSubstr("--reconnect"));
  EXPECT_THAT(usage_error([] {
                client_settings(read({"--reconnect", "--retries", "0"}), "h:1");
              }),
              HasSubstr("--retries"));
}

TEST(Options, BecomeSettings) {
  const ClientSettings settings =
      client_settings(read({"--protocol", "framed", "-6", "--source", "::1", "--reconnect",
                            "--retries", "3", "--boundary", "none"}),
                      "example");
  EXPECT_EQ(settings.server.text(), "example:7878");
  EXPECT_EQ(settings.connection.protocol, Protocol::framed);
  EXPECT_EQ(settings.dial.family, AddressFamily::ipv6);
  EXPECT_EQ(settings.dial.source->ip_text(), "::1");
  EXPECT_EQ(settings.reconnect.when, ReconnectSettings::When::until_connected);
  EXPECT_EQ(settings.reconnect.retries_max, 3u);
  EXPECT_EQ(settings.connection.reply.boundary, ReplyBoundary::none);
  EXPECT_EQ(client_settings(read({"--reconnect"}), "h").reconnect.retries_max, 0u);
}

TEST(MessageBytes, AreWrittenInTheChosenEncoding) {
  const auto bytes = [](std::string_view typed, const char* encoding) {
    return message_bytes(typed, Encoding::utf8, text_choice(read({"-e", encoding})));
  };
  EXPECT_EQ(bytes("好", "auto"), "好");
  EXPECT_EQ(bytes("好", "gbk"), "\xba\xc3");
  EXPECT_EQ(bytes("\xff", "auto"), "\xff") << "what is no text is sent as it is";
  EXPECT_EQ(bytes("DE ad:0a", "hex"), "\xde\xad\x0a");
  EXPECT_THAT(usage_error([&] { bytes("😀", "gbk"); }), HasSubstr("gbk"));
  EXPECT_NE(bytes("😀", "gb18030"), "");
  EXPECT_THAT(usage_error([&] { bytes("abc", "hex"); }), HasSubstr("half a byte"));
  EXPECT_THAT(usage_error([&] { bytes("xy", "hex"); }), HasSubstr("hexadecimal"));
}

TEST(MessageBytes, AreReadInTheTerminalsEncoding) {
  EXPECT_EQ(message_bytes("\xba\xc3", Encoding::gbk, {}), "好");
}

TEST(ShowForms, AreReadAsAList) {
  EXPECT_THAT(parse_formats("hex,text"), ElementsAre(ReplyFormat::hex, ReplyFormat::text));
  EXPECT_THAT(usage_error([] { parse_formats("hxe"); }), HasSubstr("did you mean \"hex\""));
  EXPECT_NE(usage_error([] { parse_formats(""); }), "none");
  EXPECT_NE(usage_error([] { parse_formats("text,"); }), "none");
}

// A printer whose output is a terminal that is a string.
struct Terminal {
  explicit Terminal(std::vector<ReplyFormat> forms)
      : printer(out, std::move(forms), Encoding::utf8, encoding) {}

  std::string text;
  Output out{[this](std::string_view more) { text += more; }};
  EncodingSettings encoding;
  ReplyPrinter printer;
};

TEST(ReplyPrinter, ControlSequencesDoNotReachTheTerminal) {
  Terminal terminal({ReplyFormat::text});
  terminal.printer.print({.payload = "a\x1b[31m\x07\r\nb\tc\xc2\x9b 好\xe2\x80\xae"});
  EXPECT_EQ(terminal.text, "a\\x1b[31m\\x07\nb\tc\\u{009b} 好\\u{202e}\n");
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c == '\n' || c == '\t') continue;
    Terminal one({ReplyFormat::text, ReplyFormat::json, ReplyFormat::hex});
    one.printer.print({.payload = Bytes(&c, 1)});
    for (const char shown : one.text) {
      EXPECT_TRUE(shown == '\n' || octet(shown) >= 0x20) << byte;
      EXPECT_NE(shown, 0x7f) << byte;
    }
  }
}

TEST(ReplyPrinter, AnIncompleteCharacterIsShownAsBytesAndReported) {
  Terminal terminal({ReplyFormat::text});
  EXPECT_FALSE(terminal.printer.print({.payload = "好的\xe6\x94"}));
  EXPECT_EQ(terminal.text, "好的\\xe6\\x94\n");
  EXPECT_TRUE(terminal.printer.print({.payload = "好"}));
}

TEST(ReplyPrinter, PiecesMakeOneText) {
  Terminal terminal({ReplyFormat::text});
  terminal.printer.print_piece({.payload = "one"});
  terminal.printer.print_piece({.payload = " two"});
  EXPECT_TRUE(terminal.printer.end_pieces());
  EXPECT_EQ(terminal.text, "one two\n");
}

TEST(ReplyPrinter, RawIsEveryByteAndJsonIsALine) {
  Terminal terminal({ReplyFormat::raw, ReplyFormat::hex, ReplyFormat::json});
  terminal.printer.print({.line_end = LineEnd::crlf, .payload = "a\"\x1b"});
  EXPECT_EQ(terminal.text,
            "a\"\x1b\r\n"
            "61221b0d0a\n"
            "{\"reply\":1,\"encoding\":\"utf-8\",\"bytes\":3,\"whole\":true,"
            "\"text\":\"a\\\"\\u001b\"}\n");
}

TEST(Locale, ChineseIsAskedForByTheFirstVariableThatIsSet) {
  EXPECT_TRUE(wants_chinese(nullptr, nullptr, "zh_CN.UTF-8"));
  EXPECT_TRUE(wants_chinese("zh_TW", "en_US", "en_US"));
  EXPECT_FALSE(wants_chinese("C", "zh_CN", "zh_CN"));
  EXPECT_TRUE(wants_chinese("", "zh_CN", "en_US"));
  EXPECT_FALSE(wants_chinese(nullptr, nullptr, nullptr));
}

class Width : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
  void TearDown() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST_F(Width, CountsColumnsAndNotCharacters) {
  EXPECT_EQ(rows_below(L"", 10), 0u);
  EXPECT_EQ(rows_below(L"123456789", 10), 0u);
  EXPECT_EQ(rows_below(L"1234567890", 10), 1u) << "a full row ends at once";
  EXPECT_EQ(rows_below(L"一二三四", 10), 0u);
  EXPECT_EQ(rows_below(L"一二三四五", 10), 1u);
  EXPECT_EQ(rows_below(L"123456789一", 10), 1u) << "a wide character is not torn";
  EXPECT_EQ(rows_below(L"123456789一二三四", 10), 1u);
  EXPECT_EQ(rows_below(L"123456789一二三四五", 10), 2u);
  EXPECT_EQ(rows_below(L"e\u0301", 10), 0u);
  EXPECT_EQ(rows_below(L"12345678\x01", 10), 1u) << "shown as ^A";
  EXPECT_EQ(rows_below(L"\t12", 10), 1u);
}

TEST_F(Width, LinesAreWrappedByColumns) {
  EXPECT_EQ(wrapped("- ", "ab cd ef", 7), "- ab cd\n  ef\n");
  EXPECT_EQ(wrapped("好", "一二 三四 五", 11), "好一二 三四\n  五\n");
  EXPECT_EQ(wrapped("好", "一二 三四 五", 10), "好一二\n  三四 五\n");
  EXPECT_EQ(wrapped("", "too-long-a-word a", 5), "too-long-a-word\na\n");
  EXPECT_EQ(wrapped("x", "", 5), "x\n");
}

}  // namespace
}  // namespace fairlead
