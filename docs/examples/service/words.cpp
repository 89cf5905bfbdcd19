// words: says how many words and bytes each message has. An example of a service that lives outside
// Fairlead's source tree; see README.md in this folder.
#include <sstream>
#include <string>

#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

// One instance per thread and [service.NAME]; its clients are served by that thread only, so it
// needs no lock.
class Words final : public Service {
  void on_message(Peer& peer, const Message& message) override {
    std::istringstream text{std::string(peer.text_of(message))};
    std::size_t words = 0;
    for (std::string word; text >> word;) ++words;
    peer.reply_text(std::to_string(words) + " words, " + std::to_string(message.payload.size()) +
                    " bytes");
  }
};

}  // namespace

// The name of the file is the name of the type: `type = words`.
std::unique_ptr<Service> make_words_service(const ServiceSettings&, ServiceEnvironment&) {
  return std::make_unique<Words>();
}

}  // namespace fairlead
