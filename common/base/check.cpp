#include "common/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace fairlead {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "fairlead: broken invariant: %s, at %s:%d; please report this\n", condition,
               file, line);
  std::abort();
}

}  // namespace fairlead
