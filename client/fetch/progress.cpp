#include "client/fetch/progress.hpp"

namespace fairlead {

std::string_view name_of(FetchedFile::State state) noexcept {
  switch (state) {
    case FetchedFile::State::waiting:
      return "waiting";
    case FetchedFile::State::checking:
      return "checking";
    case FetchedFile::State::fetching:
      return "fetching";
    case FetchedFile::State::retrying:
      return "retrying";
    case FetchedFile::State::done:
      return "done";
    case FetchedFile::State::skipped:
      return "skipped";
    case FetchedFile::State::failed:
      break;
  }
  return "failed";
}

}  // namespace fairlead
