#include "client/fetch/progress.hpp"

#include <array>

namespace fairlead {

std::string_view name_of(FetchedFile::State state) noexcept {
  constexpr std::array<std::string_view, 7> kNames{"waiting", "checking", "fetching", "retrying",
                                                   "done",    "skipped",  "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace fairlead
