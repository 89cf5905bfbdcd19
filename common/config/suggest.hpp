// "did you mean": finds the known word that is nearest to an unknown one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// The number of letters to add, drop, change or swap with their neighbour to get from one word to
// the other.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The nearest candidate, the first of several; empty when none is within a third of the word's
// length.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// `; did you mean "line"?` for the nearest candidate, or nothing: the end of an error message.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace fairlead
