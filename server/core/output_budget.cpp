#include "server/core/output_budget.hpp"

#include <algorithm>

namespace fairlead {

std::uint32_t OutputBudget::largest() const noexcept {
  return static_cast<std::uint32_t>(std::max_element(blocks_.begin(), blocks_.end()) -
                                    blocks_.begin());
}

}  // namespace fairlead
