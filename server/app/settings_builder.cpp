#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/check.hpp"
#include "common/config/key_table.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/protocol/limits.hpp"
#include "server/api/text_template.hpp"
#include "server/app/server_config.hpp"

namespace fairlead {
namespace {

Encoding required_encoding(const std::string& name) {
  const auto encoding = encoding_named(name);
  FAIRLEAD_CHECK(encoding.has_value());  // the key table has only names of encodings
  return *encoding;
}

template <class E>
E choice(const Configuration& config, std::string_view section, std::string_view key,
         std::initializer_list<std::pair<std::string_view, E>> meanings) {
  const auto& word = config.text(section, key);
  const auto found = std::ranges::find(meanings, word, &std::pair<std::string_view, E>::first);
  FAIRLEAD_CHECK(found != meanings.end());
  return found->second;
}

class Builder {
 public:
  Builder(Configuration& config, const std::vector<std::string_view>& service_types,
          std::uint32_t cores)
      : config_(config), service_types_(service_types), cores_(cores) {}

  ServerSettings build() {
    read_server();
    read_limits();
    read_timeouts();
    read_socket();
    read_log();
    settings_.access = access_of("access");
    for (const auto& name : config_.names_of("service")) read_service(name);
    for (const auto& name : config_.names_of("listener")) read_listener(name);
    return std::move(settings_);
  }

 private:
  void read_server() {
    settings_.name = config_.text("server", "name");
    const auto cores = std::max<std::uint32_t>(cores_, 1);
    settings_.threads = static_cast<std::uint32_t>(config_.number("server", "threads", cores));
    settings_.accept =
        choice<AcceptMode>(config_, "server", "accept",
                           {{"shared", AcceptMode::shared}, {"reuseport", AcceptMode::reuseport}});
    settings_.upgrade = choice<UpgradeMode>(
        config_, "server", "upgrade",
        {{"sessions", UpgradeMode::sessions}, {"listeners", UpgradeMode::listeners}});
    settings_.run_dir = config_.text("server", "run_dir");
  }

  void read_limits() {
    const auto number = [&](const char* key) { return config_.number("limits", key); };
    auto& limits = settings_.limits;
    limits.max_connections = number("max_connections");
    limits.max_per_ip = number("max_per_ip");
    limits.ip_prefix_v4 = number("ip_prefix_v4");
    limits.ip_prefix_v6 = number("ip_prefix_v6");
    limits.accept_rate = number("accept_rate");
    limits.accept_rate_per_ip = number("accept_rate_per_ip");
    limits.early_drop = number("early_drop");
    limits.max_message = number("max_message");
    limits.queue_soft = number("queue_soft");
    limits.max_buffer_memory = number("max_buffer_memory");
    limits.requests_per_turn = number("requests_per_turn");
  }

  void read_timeouts() {
    const auto duration = [&](const char* key) { return config_.duration("timeouts", key); };
    settings_.timeouts = {.idle = duration("idle"),
                          .first_byte = duration("first_byte"),
                          .message = duration("message"),
                          .write = duration("write"),
                          .linger = duration("linger"),
                          .drain = duration("drain"),
                          .lame_duck = duration("lame_duck"),
                          .upgrade = duration("upgrade"),
                          .upgrade_drain = duration("upgrade_drain")};
  }

  void read_socket() {
    auto& socket = settings_.socket;
    socket.backlog = static_cast<std::uint32_t>(config_.number("socket", "backlog"));
    socket.reuse_address = config_.flag("socket", "reuse_address");
    socket.nodelay = config_.flag("socket", "nodelay");
    socket.keepalive = config_.duration("socket", "keepalive");
    if (socket.keepalive % std::chrono::seconds(1) != Duration::zero())
      config_.add_error("socket", "keepalive", "must be whole seconds");
    socket.user_timeout = optional_duration("socket", "user_timeout");
    socket.notsent_lowat = config_.number("socket", "notsent_lowat");
    socket.send_buffer = config_.number("socket", "send_buffer");
    socket.receive_buffer = config_.number("socket", "receive_buffer");
  }

  // Nothing for a word in place of a duration, and for an empty value.
  std::optional<Duration> optional_duration(std::string_view section, std::string_view key) const {
    constexpr Duration kNone{-1};
    const Duration found = config_.duration(section, key, kNone);
    return found == kNone ? std::nullopt : std::optional(found);
  }

  void read_log() {
    settings_.log = {
        .level = config_.text("log", "level"),
        .json = config_.text("log", "format") == "json",
        .file = config_.text("log", "file"),
        .session_file = config_.text("log", "session_file"),
        .repeats = config_.number("log", "repeats"),
        .empty_sessions = config_.flag("log", "empty_sessions"),
        .peer = choice<PeerDetail>(config_, "log", "peer",
                                   {{"full", PeerDetail::full}, {"prefix", PeerDetail::prefix}})};
  }

  AccessSettings access_of(const std::string& section) {
    return {.allow = blocks(section, "allow"), .deny = blocks(section, "deny")};
  }

  std::vector<AddressBlock> blocks(const std::string& section, const char* key) {
    std::vector<AddressBlock> result;
    for (const auto& item : config_.list(section, key)) {
      if (const auto block = parse_address_block(item)) {
        result.push_back(*block);
      } else if (item.empty()) {
        config_.add_error(section, key, "has an empty item");
      } else {
        config_.add_error(section, key,
                          shown(item) +
                              " is not an address block: write 192.0.2.7, 10.0.0.0/8 or "
                              "2001:db8::/32, without bits behind the prefix");
      }
    }
    return result;
  }

  void read_service(const std::string& name) {
    const std::string section = "service." + name;
    const auto text = [&](const char* key) { return config_.text(section, key); };
    auto service = std::make_unique<ServiceSettings>();
    service->name = name;
    service->type = text("type");
    service->greeting = text("greeting");
    service->text = text("text");
    service->encoding = encoding_of(section);
    service->text_rules = {
        .boundary = choice<Boundary>(
            config_, section, "boundary",
            {{"line", Boundary::line}, {"chunk", Boundary::chunk}, {"auto", Boundary::automatic}}),
        .chunk = static_cast<std::uint32_t>(config_.number(section, "chunk")),
        .pause = config_.duration(section, "pause")};
    service->close_after = config_.number(section, "close_after");
    service->transcript = {.on_connect = text("on_connect"),
                           .on_message = text("on_message"),
                           .on_close = text("on_close"),
                           .on_missing = text("on_missing")};
    service->file = {.service = name,
                     .root = text("root"),
                     .max_rate = config_.number(section, "max_rate"),
                     .max_downloads = config_.number(section, "max_downloads"),
                     .symlinks = config_.flag(section, "symlinks"),
                     .hidden = config_.flag(section, "hidden")};
    check_type(*service, section);
    check_keys(*service, section);
    for (const char* key : {"text", "on_connect", "on_message", "on_close", "on_missing"})
      check_template(section, key);
    check_reply_length(*service, section);
    settings_.services.push_back(std::move(service));
  }

  EncodingSettings encoding_of(const std::string& section) const {
    EncodingSettings encoding;
    const auto& decode = config_.text(section, "decode");
    const auto& encode = config_.text(section, "encode");
    if (decode != "auto") encoding.decode = required_encoding(decode);
    if (encode != "match") encoding.encode = required_encoding(encode);
    encoding.encode_tie = required_encoding(config_.text(section, "encode_tie"));
    return encoding;
  }

  void check_type(const ServiceSettings& service, const std::string& section) {
    const auto& types = service_types_;
    if (std::ranges::count(types, service.type) == 0) {
      const std::vector<std::string> names(types.begin(), types.end());
      const auto what = service.type.empty() ? std::string("is missing")
                                             : shown(service.type) + " is no service type";
      config_.add_error(section, "type",
                        what + ": there are " + joined(names) + did_you_mean(service.type, types));
    } else if (service.type == "reply" && service.text.empty()) {
      config_.add_error(section, "text", "is missing: it is what a service of type reply answers");
    }
  }

  // A type that is built in from outside may read what it likes.
  void check_keys(const ServiceSettings& service, const std::string& section) {
    if (std::ranges::find(kOwnServiceTypes, service.type) == std::end(kOwnServiceTypes)) return;
    for (const Key& key : all_keys()) {
      const std::string_view type = service_type_of(key);
      if (type.empty() || type == service.type || !config_.is_changed(section, key.name)) continue;
      config_.add_error(section, key.name,
                        "is for services of type " + std::string(type) +
                            " alone, and this is one of type " + service.type + "; remove it");
    }
  }

  void check_template(const std::string& section, const char* key) {
    if (const auto unknown = TextTemplate::unknown_placeholder(config_.text(section, key)))
      config_.add_error(
          section, key,
          shown(*unknown) + " is no placeholder: there are {text} {len} {ip} {port} {peer} {id}");
    if (const auto unclosed = TextTemplate::unclosed_placeholder(config_.text(section, key)))
      config_.add_error(section, key, shown(*unclosed) + " lacks its }");
    if (times_of_text(config_.text(section, key)) > kTextsMax)
      config_.add_error(section, key,
                        "holds {text} more than 4 times: a reply would be as many messages long");
  }

  // The protocol page promises that no payload of ours is above kMessageBytesCeiling. A byte that
  // is not valid becomes U+FFFD, which is three bytes, or four in GB18030; every other placeholder
  // is replaced by no more than 16 times its own length.
  void check_reply_length(const ServiceSettings& service, const std::string& section) {
    if (service.type != "reply") return;
    const std::uint64_t growth = service.encoding.encode == Encoding::gb18030 ? 4 : 3;
    const std::uint64_t longest = 16 * service.text.size() + times_of_text(service.text) * growth *
                                                                 settings_.limits.max_message;
    if (longest > kMessageBytesCeiling)
      config_.add_error(section, "text",
                        "a reply to a message of limits.max_message could be longer than 16777215 "
                        "bytes: lower limits.max_message, or take {text} out");
  }

  void read_listener(const std::string& name) {
    const std::string section = "listener." + name;
    auto listener = std::make_unique<ListenerSettings>();
    listener->name = name;
    listener->bind = endpoints(section);
    listener->protocol = choice<ListenerProtocol>(config_, section, "protocol",
                                                  {{"auto", ListenerProtocol::automatic},
                                                   {"text", ListenerProtocol::text},
                                                   {"len32", ListenerProtocol::len32},
                                                   {"framed", ListenerProtocol::framed}});
    listener->idle = optional_duration(section, "idle");
    listener->greet_wait = config_.duration(section, "greet_wait");
    listener->unix_mode = static_cast<std::uint32_t>(config_.number(section, "unix_mode"));
    listener->max_connections = config_.number(section, "max_connections");
    listener->max_message = config_.number(section, "max_message");
    listener->access = access_of(section);
    connect_services(*listener, section);
    settings_.listeners.push_back(std::move(listener));
  }

  std::vector<Endpoint> endpoints(const std::string& section) {
    std::vector<Endpoint> result;
    for (const auto& item : config_.list(section, "bind")) {
      const auto parsed = parse_endpoint(item);
      if (item.empty()) {
        config_.add_error(section, "bind", "has an empty item");
        continue;
      }
      if (!parsed) {
        config_.add_error(section, "bind", shown(item) + ": " + parsed.error().what);
        continue;
      }
      const auto other = std::ranges::find_if(
          bound_, [&](const Bound& bound) { return is_in_the_way(bound.endpoint, *parsed); });
      if (other != bound_.end())
        config_.add_error(section, "bind",
                          shown(item) + " is already bound by " +
                              (other->section == section ? "this listener" : other->section) +
                              (other->endpoint == *parsed ? "" : ", at " + other->endpoint.text()));
      bound_.push_back({*parsed, section});
      result.push_back(*parsed);
    }
    return result;
  }

  // SO_REUSEPORT lets addresses overlap: the more exact one gets the connections.
  bool is_in_the_way(const Endpoint& bound, const Endpoint& wanted) const {
    if (settings_.accept == AcceptMode::reuseport && bound != wanted) return false;
    return are_in_conflict(bound, wanted);
  }

  void connect_services(ListenerSettings& listener, const std::string& section) {
    const auto& name = config_.text(section, "service");
    const auto& names = config_.list(section, "services");
    listener.default_service = name;
    if (!name.empty()) {
      check_service(section, "service", name);
    } else if (listener.protocol != ListenerProtocol::framed) {
      config_.add_error(section, "service",
                        "is missing: only framed clients can name one themselves");
    } else if (names.empty()) {
      config_.add_error(section, "services",
                        "is missing, and so is service: there is nothing to open");
    }
    std::set<std::string_view> seen;
    for (const auto& each : names) {
      if (!seen.insert(each).second) {
        config_.add_error(section, "services", shown(each) + " is named twice");
      } else {
        check_service(section, "services", each);
        listener.offered_services.push_back(each);
      }
    }
    if (names.empty() && !name.empty()) listener.offered_services.push_back(name);
  }

  void check_service(const std::string& section, const char* key, const std::string& name) {
    if (settings_.service_named(name) != nullptr) return;
    std::vector<std::string_view> known;
    for (const auto& service : settings_.services) known.push_back(service->name);
    config_.add_error(section, key,
                      "there is no [service." + name + "]" + did_you_mean(name, known));
  }

  Configuration& config_;
  const std::vector<std::string_view>& service_types_;
  std::uint32_t cores_;
  ServerSettings settings_;
  struct Bound {
    Endpoint endpoint;
    std::string section;
  };
  std::vector<Bound> bound_;  // so far
};

}  // namespace

ServerSettings build_settings(Configuration& config,
                              const std::vector<std::string_view>& service_types,
                              std::uint32_t cores) {
  return Builder(config, service_types, cores).build();
}

}  // namespace fairlead
