#include "server/core/conversation.hpp"

#include <array>

namespace fairlead {

std::string_view name_of(ConversationKind kind) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"undecided", "text", "len32", "framed"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace fairlead
