// What the keys of a configuration mean together: names are looked up, words become enumerators,
// `auto` is resolved.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/config/configuration.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// Reports what does not fit together through config.add_error(); the settings are to be used only
// when there is no error. `cores` is what `threads = auto` means; 0 counts as 1.
ServerSettings build_settings(Configuration& config,
                              const std::vector<std::string_view>& service_types,
                              std::uint32_t cores);

}  // namespace fairlead
