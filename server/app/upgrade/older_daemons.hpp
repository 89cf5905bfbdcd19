// The older processes that still serve clients which could not be handed over.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "common/base/descriptor.hpp"
#include "common/io/descriptor_channel.hpp"

namespace fairlead {

// They are known by the channels to them, which they hold as long as they live. Used on the main
// thread.
class OlderDaemons {
 public:
  void add(Descriptor channel) {
    if (channel) channels_.push_back(std::move(channel));
  }

  // Of those that still live.
  std::vector<int> channels() {
    std::erase_if(channels_, [](const Descriptor& channel) { return !is_held_by_other(channel); });
    std::vector<int> numbers;
    for (const Descriptor& channel : channels_) numbers.push_back(channel.get());
    return numbers;
  }

 private:
  std::vector<Descriptor> channels_;
};

}  // namespace fairlead
