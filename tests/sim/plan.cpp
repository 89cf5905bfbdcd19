#include "tests/sim/plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/hash/sha256.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead::sim {
namespace {

using namespace std::chrono_literals;

// Written down here byte by byte: the model converts nothing.
const std::string kReplyUtf8 = "\xe5\xa5\xbd\xe7\x9a\x84,\xe6\x94\xb6\xe5\x88\xb0.";  // 好的,收到.
const std::string kReplyGbk = "\xba\xc3\xb5\xc4,\xca\xd5\xb5\xbd.";
const std::string kGreeting = "welcome";
const std::string kDecidesUtf8 = "\xe5\x93\x88";     // 哈 at the end of a message: no GB18030
const std::string kDecidesGbk = "\xc4\xe3\xba\xc3";  // 你好 in GBK: no UTF-8

constexpr std::uint64_t kFiles = 7;            // the last one of several DATA frames
constexpr std::size_t kDataBytes = 32 * 1024;  // of each but the last
constexpr std::size_t kProtocols = 4;  // listeners of each service, as ListenerProtocol counts

std::string word(Dice& dice, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i)
    text += static_cast<char>('a' + static_cast<int>(dice.between(0, 25)));
  return text;
}

std::string file_name(std::uint64_t number) { return "file" + std::to_string(number); }
std::string file_content(std::uint64_t number) {
  std::string content;
  for (std::uint64_t i = 0; i < number * number * 700; ++i)
    content += static_cast<char>(' ' + static_cast<int>((i * 7 + number) % 90));
  return content;
}

class Planner {
 public:
  Planner(const ServerSettings& settings, const MemoryFileStores& files, Dice& dice)
      : settings_(settings), files_(files), dice_(dice) {}

  Plan make() {
    choose();
    if (plan_.manner != Manner::silent) {
      if (plan_.speaks == Speaks::framed) {
        say_framed();
      } else {
        say_plain();
      }
      add_ending();
    }
    greet();
    cut_into_deliveries();
    // Who is to be greeted is taken for a text client when it has been silent for greet_wait.
    if (!plan_.deliveries.empty())
      plan_.deliveries.front().after = std::min(plan_.deliveries.front().after, Duration(50));
    return std::move(plan_);
  }

 private:
  void choose() {
    plan_.listener = dice_.between(0, settings_.listeners.size() - 1);
    listener_ = settings_.listeners[plan_.listener].get();
    service_ = settings_.service_named(listener_->default_service);
    switch (listener_->protocol) {
      case ListenerProtocol::automatic:
        plan_.speaks = static_cast<Speaks>(dice_.between(0, 2));
        break;
      case ListenerProtocol::text:
        plan_.speaks = Speaks::text;
        break;
      case ListenerProtocol::len32:
        plan_.speaks = Speaks::len32;
        break;
      case ListenerProtocol::framed:
        plan_.speaks = Speaks::framed;
        break;
    }
    plan_.manner = static_cast<Manner>(dice_.one_of({0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8}));
    if (plan_.manner == Manner::stalling || plan_.manner == Manner::breaking) {
      const bool has_bounds =
          plan_.speaks != Speaks::text || service_->text_rules.boundary == Boundary::line;
      if (!has_bounds) plan_.manner = Manner::polite;
    }
    if (plan_.manner == Manner::not_reading) {
      plan_.kernel_bytes_max = dice_.one_of({1, 50, 2000});
    } else if (plan_.manner != Manner::idle && plan_.manner != Manner::stalling &&
               plan_.manner != Manner::silent && dice_.chance(40)) {
      plan_.reads_slowly = true;
      plan_.read_every = Duration(dice_.between(20, 500));
      plan_.kernel_bytes_max = dice_.one_of({20, 200, 3000});
      plan_.read_bytes = dice_.one_of({100, 1000, 10'000});
    }
    plan_.probe_answers_later = dice_.chance(50);
    writes_gbk_ = plan_.manner != Manner::leaving && dice_.chance(30);
  }

  // A message that says which encoding its client speaks.
  std::string message() {
    const std::size_t room = settings_.limits.max_message - 8;
    const std::size_t size =
        dice_.between(1, std::min<std::size_t>(room, dice_.one_of({5, 40, 400})));
    // Who leaves in the middle of a character may be taken for anything.
    if (plan_.manner == Manner::leaving) return word(dice_, size);
    return word(dice_, size) + (writes_gbk_ ? kDecidesGbk : kDecidesUtf8);
  }

  // What `service` answers to `text`, in the bytes that the client gets.
  std::string answer(const ServiceSettings& service, const std::string& text, bool framed) const {
    if (service.type == "echo") return text;
    if (service.type == "reply") return writes_gbk_ && !framed ? kReplyGbk : kReplyUtf8;
    return {};
  }

  // ---- Text and len32

  void say_plain() {
    if (service_->type == "file") return ask_for_file();
    const bool is_text = plan_.speaks == Speaks::text;
    const bool lines = is_text && service_->text_rules.boundary == Boundary::line;
    if (is_text && service_->text_rules.boundary == Boundary::automatic)
      plan_.compare = Compare::without_line_ends;
    const std::uint64_t count = dice_.between(0, dice_.one_of({2, 10, 60}));
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string text = message();
      const bool last = i + 1 == count;
      const bool ends = plan_.manner == Manner::half_close || plan_.manner == Manner::polite;
      if (!is_text) {
        say(client::len32(text));
        hear_plain(client::len32(answer(*service_, text, false)), text);
        continue;
      }
      std::string end = dice_.chance(50) ? "\n" : "\r\n";
      if (last && ends && dice_.chance(60)) end.clear();
      if (lines && dice_.chance(5)) say("\n");
      say(text + end);
      hear_plain(answer(*service_, text, false) + end, text);
    }
  }

  void hear_plain(const std::string& reply, const std::string& text) {
    if (over_) return;
    const bool answers = !answer(*service_, text, false).empty();
    if (answers) plan_.expected += reply;
    count_message();
  }

  void count_message() {
    if (service_->close_after == 0 || ++messages_ < service_->close_after) return;
    over_ = true;
    plan_.ends_as = CloseReason::close_after;
  }

  void ask_for_file() {
    const std::uint64_t number = dice_.between(0, 6);
    const bool missing = number == 0;
    std::string end = "\n";
    if (plan_.manner == Manner::half_close && dice_.chance(60)) end.clear();
    if (plan_.speaks == Speaks::len32) {
      say(client::len32(file_name(number)));
      if (!missing) plan_.expected += client::len32(file_content(number));
      if (missing) plan_.ends_as = CloseReason::no_such_file, over_ = true;
      return;
    }
    plan_.is_download = true;
    say(file_name(number) + end);
    if (!missing) plan_.expected += file_content(number);
    plan_.ends_as = missing ? CloseReason::no_such_file : CloseReason::completed;
    over_ = true;
  }

  // ---- framed

  struct Conversation {
    const ServiceSettings* service;
    std::uint64_t messages = 0;
  };

  void say_framed() {
    say(client::kPreface);
    if (dice_.chance(30)) say(client::frame(client::hello, 0, 0, std::string("\0\1\3sim", 6)));
    channels_[0] = {service_};
    const std::uint64_t count = dice_.between(0, dice_.one_of({3, 20, 80}));
    for (std::uint64_t i = 0; i < count; ++i) {
      switch (dice_.between(0, 9)) {
        case 0:
          ping();
          break;
        case 1:
        case 2:
          open();
          break;
        case 3:
          close();
          break;
        default:
          ask();
          break;
      }
    }
  }

  void ping() {
    const std::string payload = word(dice_, dice_.between(0, 32));
    say(client::frame(client::ping, 0, 0, payload));
    hear({client::pong, 0, 0, payload});
  }

  void open() {
    const std::uint64_t channel = dice_.between(1, 9);
    if (channels_.count(channel) != 0) return;
    id_ += dice_.between(1, 3);
    const auto& offered = listener_->offered_services;
    const auto& service = *settings_.service_named(offered[dice_.between(0, offered.size() - 1)]);
    const bool known = dice_.chance(90);
    say(client::frame(client::open, channel, id_, known ? service.name : "nowhere"));
    if (!known) return hear_code(client::error, channel, id_, CloseReason::unknown_service);
    hear({client::opened, channel, id_, {}});
    if (!service.greeting.empty()) hear({client::message, channel, 0, kGreeting});
    channels_[channel] = {&service};
  }

  void close() {
    const std::uint64_t channel = dice_.between(1, 9);
    say(client::frame(client::close, channel, 0));
    if (channels_.erase(channel) != 0)
      hear_code(client::close, channel, 0, CloseReason::peer_closed);
  }

  void ask() {
    const std::uint64_t channel = dice_.between(0, 9);
    id_ += dice_.between(1, 3);
    const auto found = channels_.find(channel);
    if (found == channels_.end()) {
      say(client::request(id_, message(), channel));
      return hear_code(client::error, channel, id_, CloseReason::no_such_channel);
    }
    const ServiceSettings& service = *found->second.service;
    if (service.type == "file") return ask_of_files(channel);
    const std::string text = message();
    say(client::request(id_, text, channel));
    hear({client::reply, channel, id_, answer(service, text, true)});
    if (service.close_after == 0 || ++found->second.messages < service.close_after) return;
    hear_code(client::close, channel, 0, CloseReason::close_after);
    channels_.erase(channel);
    if (channel != 0) return;
    if (!over_) plan_.ends_as = CloseReason::close_after;
    over_ = true;
  }

  // ---- framed: files (docs/protocol.md, Files)

  void ask_of_files(std::uint64_t channel) {
    const bool is_fast = plan_.kernel_bytes_max == SIZE_MAX;
    const std::uint64_t number = dice_.between(0, is_fast ? kFiles : 3);
    const std::string name = file_name(number);
    const auto refused = [&](CloseReason why) { hear_code(client::error, channel, id_, why); };
    switch (dice_.between(0, 5)) {
      case 0:
        say(client::frame(client::stat, channel, id_, name));
        if (number == 0) return refused(CloseReason::no_such_file);
        return hear({client::status, channel, id_, client::number(1, 1) + identity(number)});
      case 1:
        return list(channel);
      case 2:
        say(client::frame(client::hash, channel, id_,
                          client::number(0, 12) + identity_to_ask_for(number) + name));
        if (number == 0) return refused(CloseReason::no_such_file);
        if (is_another_version_) return refused(CloseReason::file_changed);
        return hear({client::hashes, channel, id_, hashes(number)});
      case 3:
        say(client::request(id_, name, channel));
        if (number == 0) return refused(CloseReason::no_such_file);
        return hear({client::reply, channel, id_, file_content(number)});
      default:
        return get(channel, number);
    }
  }

  void get(std::uint64_t channel, std::uint64_t number) {
    const std::string content = file_content(number);
    const std::uint64_t offset = dice_.chance(50) ? 0 : dice_.between(0, content.size() + 10);
    const std::uint64_t length = dice_.chance(50) ? ~std::uint64_t{0} : dice_.between(0, 40'000);
    say(client::frame(client::get, channel, id_,
                      client::number(offset, 8) + client::number(length, 8) +
                          identity_to_ask_for(number) + file_name(number)));
    if (number == 0) return hear_code(client::error, channel, id_, CloseReason::no_such_file);
    if (is_another_version_)
      return hear_code(client::error, channel, id_, CloseReason::file_changed);
    std::string part;
    if (offset < content.size()) part = content.substr(offset, length);
    hear({client::begin, channel, id_,
          identity(number) + client::number(offset, 8) + client::number(part.size(), 8)});
    for (std::size_t at = 0; at < part.size(); at += kDataBytes)
      hear({client::data, channel, id_, part.substr(at, kDataBytes)});
    hear({client::end, channel, id_, client::number(part.size(), 8)});
  }

  // A page of the root, where there is nothing else.
  void list(std::uint64_t channel) {
    const std::uint64_t most = dice_.between(1, kFiles + 1);
    const std::uint64_t known = dice_.between(0, kFiles);
    const std::string after = known == 0 ? "" : file_name(known);
    say(client::frame(client::list, channel, id_,
                      client::number(most, 2) + client::number(after.size(), 2) + after));
    const std::uint64_t last = std::min(kFiles, known + most);
    std::string listing =
        client::number(last < kFiles ? 1 : 0, 1) + client::number(last - known, 2);
    for (std::uint64_t number = known + 1; number <= last; ++number) {
      const std::string name = file_name(number);
      listing += client::number(1, 1) + identity(number).substr(16, 16) +
                 client::number(name.size(), 2) + name;
    }
    hear({client::listing, channel, id_, listing});
  }

  std::string identity(std::uint64_t number) const {
    const FileIdentity& of = files_.identity(file_name(number));
    return client::number(of.device, 8) + client::number(of.inode, 8) + client::number(of.size, 8) +
           client::number(static_cast<std::uint64_t>(of.mtime_ns), 8) +
           client::number(static_cast<std::uint64_t>(of.ctime_ns), 8);
  }

  // Any, the one that is there, or another.
  std::string identity_to_ask_for(std::uint64_t number) {
    const std::uint64_t which = dice_.between(0, 5);
    is_another_version_ = which == 5;
    if (is_another_version_) return std::string(40, 'x');
    return which < 3 || number == 0 ? std::string(40, '\0') : identity(number);
  }

  // Each file is of one chunk.
  std::string hashes(std::uint64_t number) const {
    Sha256 hash;
    hash.update(file_content(number));
    const auto digest = hash.finish();
    const std::string whole(digest.data(), digest.size());
    return identity(number) + client::number(1 << 20, 4) + whole + client::number(0, 8) +
           client::number(1, 4) + whole;
  }

  void hear(client::Received frame) {
    if (!over_) plan_.expected_frames.push_back(std::move(frame));
  }
  void hear_code(int type, std::uint64_t channel, std::uint64_t id, CloseReason code) {
    hear({type, channel, id,
          client::number(static_cast<std::uint64_t>(code), 4) + std::string(explanation_of(code))});
  }

  // ---- The end of the script

  void add_ending() {
    unbroken_ = stream_.size();
    if (plan_.manner == Manner::stalling) {
      begun_ = plan_.speaks == Speaks::framed
                   ? client::request(id_ + 1, "begun and never finished").substr(0, 30)
               : plan_.speaks == Speaks::len32
                   ? client::len32("begun and never finished").substr(0, 20)
                   : "begun and never finished";
    }
    if (plan_.manner != Manner::breaking) return;
    const auto above = static_cast<std::size_t>(settings_.limits.max_message + 2);
    if (plan_.speaks == Speaks::framed) {
      say(client::frame(0x2a, 0, 0, "what is this?"));
      end_as(CloseReason::protocol_error);
    } else if (plan_.speaks == Speaks::len32) {
      say(client::number(above, 4) + "whatever");
      end_as(CloseReason::message_too_big);
    } else {
      say(std::string(above, 'x') + "\nlate\n");
      end_as(CloseReason::message_too_big);
    }
  }

  void end_as(CloseReason reason) {
    if (!over_) plan_.ends_as = reason;
    over_ = true;
  }

  void greet() {
    if (service_->greeting.empty()) return;
    if (stream_.empty() && begun_.empty()) {
      if (listener_->protocol == ListenerProtocol::framed) return;
      if (listener_->protocol == ListenerProtocol::automatic) {
        // Who ends before greet_wait is over is never spoken to; the others turn out to be text.
        if (plan_.manner == Manner::polite || plan_.manner == Manner::half_close) return;
        plan_.speaks = Speaks::text;
      }
    }
    if (plan_.speaks == Speaks::framed) {
      plan_.expected_frames.insert(plan_.expected_frames.begin(),
                                   {client::message, 0, 0, kGreeting});
    } else if (plan_.speaks == Speaks::len32) {
      plan_.expected.insert(0, client::len32(kGreeting));
    } else {
      plan_.expected.insert(
          0, kGreeting + (service_->text_rules.boundary == Boundary::line ? "\n" : ""));
    }
  }

  void say(const std::string& bytes) {
    stream_ += bytes;
    ends_.push_back(stream_.size());
  }

  // Either in a burst, cut anywhere; or slowly, each message within its time, cut so that a message
  // is always begun.
  void cut_into_deliveries() {
    const bool slowly = dice_.chance(35) && ends_.size() > 1;
    std::size_t at = 0;
    // An undecided prefix would become text after a pause.
    if (plan_.speaks == Speaks::framed)
      at = deliver(0, std::min<std::size_t>(8, stream_.size()), 0ms);
    if (slowly) {
      for (const std::size_t end : ends_) {
        if (end <= at + 2 || end > unbroken_) continue;
        // The end of one message and the beginning of the next, in one piece.
        const std::size_t cut = end - dice_.between(1, 2);
        at = deliver(at, cut, Duration(dice_.between(100, 900)));
      }
      deliver(at, stream_.size(), Duration(dice_.between(1, 500)));
    } else {
      const std::size_t longest = dice_.one_of({1, 7, 60, 1000, 100'000});
      const bool at_once = dice_.chance(30);
      // A thousand tiny pieces are worth no more than a hundred.
      const std::size_t least = stream_.size() / 200 + 1;
      while (at < stream_.size()) {
        const std::size_t size = std::max(least, dice_.between(1, longest));
        at = deliver(at, std::min(stream_.size(), at + size),
                     at_once ? 0ms : Duration(dice_.between(0, 4)));
      }
    }
    if (begun_.empty()) return;
    plan_.stalls_at = plan_.deliveries.size();
    for (const char byte : begun_)
      plan_.deliveries.push_back({Duration(dice_.between(1, 300)), std::string(1, byte)});
  }

  std::size_t deliver(std::size_t from, std::size_t to, Duration after) {
    if (to > from) plan_.deliveries.push_back({after, stream_.substr(from, to - from)});
    return to;
  }

  const ServerSettings& settings_;
  const MemoryFileStores& files_;
  Dice& dice_;
  Plan plan_;
  const ListenerSettings* listener_ = nullptr;
  const ServiceSettings* service_ = nullptr;
  std::string stream_;
  std::string begun_;              // what a stalling client drips
  std::vector<std::size_t> ends_;  // of messages, in the stream
  std::size_t unbroken_ = 0;       // bytes of the stream before what is not allowed
  std::map<std::uint64_t, Conversation> channels_;
  std::uint64_t id_ = 0;
  bool is_another_version_ = false;  // that was asked for
  std::uint64_t messages_ = 0;
  bool writes_gbk_ = false;
  bool over_ = false;  // the session has been ended by what was said; nothing more is answered
};

ServiceSettings& service(ServerSettings& settings, const std::string& name, const std::string& type,
                         Boundary boundary) {
  ServiceSettings& added = add_service(settings, name, type);
  added.text_rules = {.boundary = boundary, .chunk = 64, .pause = 20ms};
  added.text = kReplyUtf8;
  return added;
}

}  // namespace

ServerSettings make_settings(Dice& dice) {
  ServerSettings settings = default_settings();
  settings.limits.max_message = dice.one_of({64, 300, 5000});
  settings.limits.queue_soft = dice.one_of({100, 1000, 30'000});
  if (dice.chance(25)) settings.limits.max_buffer_memory = dice.one_of({40'000, 100'000});
  settings.limits.requests_per_turn = dice.one_of({1, 3, 64});
  settings.timeouts = {.idle = 8s,
                       .first_byte = Duration(dice.one_of({0, 3000})),
                       .message = 2s,
                       .write = 3s,
                       .linger = 1s,
                       .drain = 2s,
                       .lame_duck = 5s};
  service(settings, "lines", "echo", Boundary::line);
  service(settings, "chunks", "echo", Boundary::chunk);
  service(settings, "pauses", "echo", Boundary::automatic);
  service(settings, "answer", "reply", Boundary::line);
  service(settings, "few", "echo", Boundary::line).close_after = dice.between(1, 5);
  service(settings, "welcome", "greet", Boundary::line).greeting = kGreeting;
  service(settings, "notes", "log", Boundary::line);
  service(settings, "files", "file", Boundary::line);
  for (std::size_t i = 0; i < settings.services.size(); ++i) {
    for (std::size_t protocol = 0; protocol < kProtocols; ++protocol) {
      auto& listener = add_listener(settings, static_cast<ListenerProtocol>(protocol),
                                    settings.services[i].get());
      listener.offered_services.clear();
      for (const auto& offered : settings.services)
        listener.offered_services.push_back(offered->name);
    }
  }
  return settings;
}

void make_files(MemoryFileStores& files) {
  for (std::uint64_t number = 1; number <= kFiles; ++number)
    files.add(file_name(number), file_content(number));
}

Plan make_plan(const ServerSettings& settings, const MemoryFileStores& files, Dice& dice) {
  return Planner(settings, files, dice).make();
}

}  // namespace fairlead::sim
