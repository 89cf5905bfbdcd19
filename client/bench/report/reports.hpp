// The forms in which the result of a load test is reported.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "client/bench/judge/comparison.hpp"
#include "client/bench/judge/result.hpp"
#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace fairlead {

// Lines of at most `columns`, unless one word, the table of latencies (64) or the bytes of a wrong
// reply (80) are wider, in UTF-8, each with its end. Text of a peer or the user is escaped.
std::string text_report(const BenchResult& result, std::size_t columns);

// RFC 4180: a header line, then a line for each second, warm-up included; CRLF. Latencies in
// microseconds (0: no reply in that second), bytes as they are. No field needs quotes.
std::string csv_report(const BenchResult& result);

// Complete in itself: it loads nothing and runs no script, and its policy forbids both; well-formed
// as XML too. In UTF-8. Text of a peer or the user is escaped.
std::string html_report(const BenchResult& result);

// One line of ASCII with its end. Text of a peer or the user is escaped; bytes that are not UTF-8
// become U+FFFD.
std::string json_report(const BenchResult& result);

// The part of a saved report that a comparison uses.
struct SavedReport {
  bool is_open_loop = false;
  RoundFigures figures = {};  // those measured with enough samples: finite, 0 or more
};

// `text` is untrusted: the contents of a file. Throws nothing but std::bad_alloc.
Result<SavedReport> read_json_report(std::string_view text);

// A heading, and a table of figures, ratios and intervals: in columns for a terminal, and as
// Markdown for a page. Names of targets are escaped. A table that is wider than `columns` is
// several, below each other, with as many targets each as have room, but at least one.
std::string comparison_text(const Comparison& comparison, std::size_t columns);
std::string comparison_markdown(const Comparison& comparison);

// The same for programs: one line of ASCII with its end. `failures`: a sentence for each rule that
// has failed.
std::string comparison_json(const Comparison& comparison, std::span<const std::string> failures);

// Safe within an element or a quoted attribute of HTML and SVG, whatever `text` is. Controls (those
// that turn the direction of text, too) and bytes that are not UTF-8 are shown as in logs
// (common/text/escape.hpp), but a backslash stays one, so that a message reads as it was typed.
std::string html(Bytes text);

// For numbers of our own with their units: "842 us" reads "842 µs". Not escaped.
std::string with_micro_sign(std::string_view text);

}  // namespace fairlead
