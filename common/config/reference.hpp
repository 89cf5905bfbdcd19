// The key table as text: the reference page and the list that --help shows.
#pragma once

#include <string>

namespace fairlead {

// The text of docs/configuration.md; a test compares the two.
std::string reference_page();

// Every section with its keys, defaults and classes, for a terminal of 100 columns.
std::string key_help();

}  // namespace fairlead
