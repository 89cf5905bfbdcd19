// The key table for people: the reference page and the list that --help shows.
#pragma once

#include <string>

namespace fairlead {

// docs/configuration.md, whole. A test compares the two.
std::string reference_page();

// Every section with its keys, defaults and classes, for a terminal of 100 columns.
std::string key_help();

}  // namespace fairlead
