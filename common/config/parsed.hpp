// The words of the errors of a parser: a sentence without its full stop that quotes the text, as in
// `"5x" is not a duration: write ...`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// The text in double quotes for an error message, escaped and cut when it is long.
std::string shown(std::string_view text);

// "did you mean": finds the known word that is nearest to an unknown one.

// The number of letters to add, drop, change or swap with their neighbour to get from one word to
// the other.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The nearest candidate, the first of several; empty when none is within a third of the word's
// length.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// `; did you mean "line"?` for the nearest candidate, or nothing: the end of an error message.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace fairlead
