#include "common/config/parsed.hpp"

#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kShownBytesMax = 80;  // fits on one line of a terminal

}  // namespace

std::string shown(std::string_view text) { return '"' + escaped(text, kShownBytesMax) + '"'; }

}  // namespace fairlead
