// file: a plain client sends a name and gets the file's bytes, then the end of the connection, as
// the tutorials' downloader expects it. A missing name gets the end at once. A file that becomes
// shorter while it is sent ends in a reset, so that the client cannot take the part for the whole.
#include <algorithm>
#include <array>
#include <string>

#include "common/text/escape.hpp"
#include "server/service/service_table.hpp"
#include "server/service/text_template.hpp"

namespace fairlead {
namespace {

struct Download final : PeerState {
  explicit Download(std::unique_ptr<OpenFile> opened)
      : file(std::move(opened)), left_bytes(file->size_bytes()) {}

  std::unique_ptr<OpenFile> file;
  std::uint64_t offset = 0;
  std::uint64_t left_bytes;
};

class File final : public Service {
 public:
  File(const ServiceSettings& settings, ServiceEnvironment& environment)
      : root_(environment.files.root_for(settings.file)),
        on_missing_(settings.transcript.on_missing),
        transcript_(environment.transcript) {}

 private:
  void on_message(Peer& peer, const Message& message) override {
    const std::string_view name = peer.text_of(message);
    auto file = root_ ? root_->open(name) : nullptr;
    if (!file) return missing(peer, message, name);
    if (!peer.is_plain()) return send_whole(peer, *file);
    peer.state = std::make_unique<Download>(std::move(file));
    on_writable(peer);
  }

  void on_writable(Peer& peer) override {
    auto& download = static_cast<Download&>(*peer.state);
    while (download.left_bytes > 0) {
      const std::size_t room = std::min(peer.writable_bytes(), piece_.size());
      if (room == 0) return peer.call_when_writable();
      const auto wanted =
          static_cast<std::size_t>(std::min<std::uint64_t>(room, download.left_bytes));
      const std::ptrdiff_t got = download.file->read_at(download.offset, piece_.data(), wanted);
      if (got <= 0) return peer.cut(CloseReason::file_changed);
      const auto size = static_cast<std::size_t>(got);
      peer.stream({piece_.data(), size});
      download.offset += size;
      download.left_bytes -= size;
    }
    peer.close(CloseReason::completed);
  }

  // A client that can be told where the file ends gets it as one reply; larger ones wait for the
  // file frames.
  void send_whole(Peer& peer, OpenFile& file) {
    std::string whole;
    if (file.size_bytes() > kWholeBytesMax) {
      return peer.refuse(CloseReason::message_too_big, "the file is too big for one reply");
    }
    whole.resize(static_cast<std::size_t>(file.size_bytes()));
    std::size_t at = 0;
    while (at < whole.size()) {
      const std::ptrdiff_t got = file.read_at(at, whole.data() + at, whole.size() - at);
      if (got <= 0)
        return peer.refuse(CloseReason::file_changed, "the file changed while it was read");
      at += static_cast<std::size_t>(got);
    }
    peer.reply(whole);
  }

  void missing(Peer& peer, const Message& message, std::string_view name) {
    if (!on_missing_.empty()) {
      std::string line;
      const std::string shown = escaped(name);
      on_missing_.render(line, {.text = shown,
                                .len = message.payload.size(),
                                .peer = peer.address(),
                                .id = peer.connection_id()});
      transcript_.print(line);
    }
    peer.refuse(CloseReason::no_such_file, explanation_of(CloseReason::no_such_file));
  }

  static constexpr std::size_t kWholeBytesMax = 1024 * 1024;

  std::unique_ptr<FileRoot> root_;
  TextTemplate on_missing_;
  TranscriptSink& transcript_;
  std::array<char, 64 * 1024> piece_;  // one for the shard: no download holds a buffer of its own
};

}  // namespace

std::unique_ptr<Service> make_file_service(const ServiceSettings& settings,
                                           ServiceEnvironment& environment) {
  return std::make_unique<File>(settings, environment);
}

}  // namespace fairlead
