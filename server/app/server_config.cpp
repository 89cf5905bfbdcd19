#include "server/app/server_config.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "common/base/check.hpp"
#include "common/config/reader.hpp"
#include "common/config/suggest.hpp"
#include "server/service/text_template.hpp"

namespace fairlead {
namespace {

constexpr Duration kUserTimeoutBeyondWrite = std::chrono::seconds(30);

// ---- reading what was written, in increasing precedence

Origin command_line_origin() { return {.kind = Origin::Kind::command_line}; }

// -c, or the default file where it exists.
std::optional<std::string> config_file(const CommandLine& command_line, ConfigFiles& files) {
  if (command_line.config_file) return command_line.config_file;
  if (files.read(kDefaultConfigFile).is_missing) return {};
  return kDefaultConfigFile;
}

ConfigInput read_everything(const CommandLine& command_line, const std::optional<std::string>& file,
                            const ConfigWorld& world) {
  ConfigInput input;
  if (file) read_config_file(input, *file, world.files, world.environment);
  add_environment(input, world.environment);
  for (const auto& setting : command_line.settings)
    if (auto assignment = parse_setting(setting))
      input.assignments.push_back(std::move(*assignment));
  return input;
}

// ---- -p and --listen, which depend on what is configured

// The listener that the short options mean: main, or the only one; empty: there is none or more
// than one.
std::string meant_listener(const std::vector<std::string>& names) {
  if (std::ranges::count(names, "main") != 0) return "main";
  return names.size() == 1 ? names.front() : std::string();
}

std::string joined(const std::vector<std::string>& items) {
  std::string result;
  for (const auto& item : items) result += (result.empty() ? "" : ", ") + item;
  return result;
}

// Both return what is wrong, for exit status 2; empty: done.
std::string apply_listen(ConfigInput& input, const Configuration& config,
                         const std::vector<std::string>& addresses) {
  const auto listeners = config.names_of("listener");
  const auto add = [&](const std::string& section, const char* key, const std::string& value) {
    input.assignments.push_back({section, key, value, command_line_origin()});
  };
  if (listeners.empty()) {
    add("listener.main", "service", "echo");
    if (std::ranges::count(config.names_of("service"), "echo") == 0)
      add("service.echo", "type", "echo");
  } else if (meant_listener(listeners).empty()) {
    return "--listen: which of the listeners? None is called main: " + joined(listeners);
  }
  const auto name = listeners.empty() ? std::string("main") : meant_listener(listeners);
  add("listener." + name, "bind", joined(addresses));
  return {};
}

std::string apply_port(ConfigInput& input, const Configuration& config, std::uint16_t port) {
  const auto listeners = config.names_of("listener");
  const auto name = meant_listener(listeners);
  if (name.empty() && listeners.empty()) return "-p: there is no listener to give the port to";
  if (name.empty()) return "-p: which of the listeners? None is called main: " + joined(listeners);

  const std::string section = "listener." + name;
  std::vector<std::string> bind = config.list(section, "bind");
  bool changed = false;
  for (auto& address : bind) {
    auto endpoint = parse_endpoint(address).endpoint;
    if (!endpoint) return {};  // the mistake in the configuration is the one to report
    if (endpoint->kind != Endpoint::Kind::tcp) continue;
    endpoint->port = port;
    address = endpoint->text();
    changed = true;
  }
  if (!changed) return "-p: " + section + ".bind has no TCP address";
  input.assignments.push_back({section, "bind", joined(bind), command_line_origin()});
  return {};
}

// ---- what it means

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
  Builder(Configuration& config, const ConfigWorld& world) : config_(config), world_(world) {}

  ServerSettings build() {
    read_server();
    read_limits();
    read_timeouts();
    read_socket();
    read_log();
    settings_.access.allow = blocks("allow");
    settings_.access.deny = blocks("deny");
    for (const auto& name : config_.names_of("service")) read_service(name);
    for (const auto& name : config_.names_of("listener")) read_listener(name);
    return std::move(settings_);
  }

 private:
  void read_server() {
    settings_.name = config_.text("server", "name");
    const auto cores = std::max<std::uint32_t>(world_.cores, 1);
    settings_.threads = static_cast<std::uint32_t>(config_.number("server", "threads", cores));
    settings_.accept =
        choice<AcceptMode>(config_, "server", "accept",
                           {{"shared", AcceptMode::shared}, {"reuseport", AcceptMode::reuseport}});
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
    limits.queue_hard = number("queue_hard");
    limits.queue_soft = number("queue_soft");
    limits.queue_soft_for = config_.duration("limits", "queue_soft_for");
    limits.slow_policy = choice<SlowPolicy>(
        config_, "limits", "slow_policy",
        {{"disconnect", SlowPolicy::disconnect}, {"drop_oldest", SlowPolicy::drop_oldest}});
    limits.max_buffer_memory = number("max_buffer_memory");
    limits.requests_per_turn = number("requests_per_turn");
    if (limits.queue_soft > limits.queue_hard) refuse_queues();
  }

  // Where only one of the two was written, that one is the mistake.
  void refuse_queues() {
    if (config_.origin_of("limits", "queue_soft").kind != Origin::Kind::fallback) {
      config_.refuse("limits", "queue_soft", "is above limits.queue_hard");
    } else {
      config_.refuse("limits", "queue_hard", "is below limits.queue_soft");
    }
  }

  void read_timeouts() {
    const auto duration = [&](const char* key) { return config_.duration("timeouts", key); };
    settings_.timeouts = {.idle = duration("idle"),
                          .first_byte = duration("first_byte"),
                          .message = duration("message"),
                          .write = duration("write"),
                          .linger = duration("linger"),
                          .drain = duration("drain"),
                          .lame_duck = duration("lame_duck")};
  }

  void read_socket() {
    auto& socket = settings_.socket;
    socket.backlog = static_cast<std::uint32_t>(config_.number("socket", "backlog"));
    socket.reuse_address = config_.flag("socket", "reuse_address");
    socket.nodelay = config_.flag("socket", "nodelay");
    socket.keepalive = config_.duration("socket", "keepalive");
    if (socket.keepalive % std::chrono::seconds(1) != Duration::zero())
      config_.refuse("socket", "keepalive", "must be whole seconds");
    socket.user_timeout = config_.duration("socket", "user_timeout", automatic_user_timeout());
    socket.notsent_lowat = config_.number("socket", "notsent_lowat");
    socket.send_buffer = config_.number("socket", "send_buffer");
    socket.receive_buffer = config_.number("socket", "receive_buffer");
  }

  // The daemon's own limit comes first and can say why; without that limit the kernel has none
  // either.
  Duration automatic_user_timeout() const {
    const auto write = settings_.timeouts.write;
    return write == Duration::zero() ? write : write + kUserTimeoutBeyondWrite;
  }

  void read_log() {
    settings_.log = {.level = config_.text("log", "level"),
                     .json = config_.text("log", "format") == "json",
                     .file = config_.text("log", "file"),
                     .session_file = config_.text("log", "session_file")};
  }

  std::vector<AddressBlock> blocks(const char* key) {
    std::vector<AddressBlock> result;
    for (const auto& item : config_.list("access", key)) {
      if (const auto block = parse_address_block(item)) {
        result.push_back(*block);
      } else {
        config_.refuse("access", key,
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
    service->file = {.root = text("root"),
                     .max_rate = config_.number(section, "max_rate"),
                     .max_downloads = config_.number(section, "max_downloads"),
                     .symlinks = config_.flag(section, "symlinks"),
                     .hidden = config_.flag(section, "hidden")};
    check_type(*service, section);
    for (const char* key : {"text", "on_connect", "on_message", "on_close", "on_missing"})
      check_template(section, key);
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
    const auto& types = world_.service_types;
    if (std::ranges::count(types, service.type) == 0) {
      const std::vector<std::string> names(types.begin(), types.end());
      const auto what = service.type.empty() ? std::string("is missing")
                                             : shown(service.type) + " is no service type";
      config_.refuse(section, "type",
                     what + ": there are " + joined(names) + did_you_mean(service.type, types));
    } else if (service.type == "reply" && service.text.empty()) {
      config_.refuse(section, "text", "is missing: it is what a service of type reply answers");
    }
  }

  void check_template(const std::string& section, const char* key) {
    if (const auto unknown = unknown_placeholder(config_.text(section, key)))
      config_.refuse(
          section, key,
          shown(*unknown) + " is no placeholder: there are {text} {len} {ip} {port} {peer} {id}");
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
    listener->idle = config_.duration(section, "idle", settings_.timeouts.idle);
    listener->greet_wait = config_.duration(section, "greet_wait");
    listener->unix_mode = static_cast<std::uint32_t>(config_.number(section, "unix_mode"));
    connect_services(*listener, section);
    settings_.listeners.push_back(std::move(listener));
  }

  std::vector<Endpoint> endpoints(const std::string& section) {
    std::vector<Endpoint> result;
    for (const auto& item : config_.list(section, "bind")) {
      const auto parsed = parse_endpoint(item);
      if (!parsed.endpoint) {
        config_.refuse(section, "bind", shown(item) + ": " + parsed.error);
        continue;
      }
      const auto [other, is_new] = bound_.try_emplace(parsed.endpoint->text(), section);
      // Port 0 is a new port each time.
      const bool shares =
          parsed.endpoint->kind == Endpoint::Kind::unix_socket || parsed.endpoint->port != 0;
      if (!is_new && shares)
        config_.refuse(section, "bind",
                       shown(item) + " is already bound by " +
                           (other->second == section ? "this listener" : other->second));
      result.push_back(*parsed.endpoint);
    }
    return result;
  }

  void connect_services(ListenerSettings& listener, const std::string& section) {
    const auto& name = config_.text(section, "service");
    const auto& names = config_.list(section, "services");
    if (!name.empty()) {
      listener.service = find_service(section, "service", name);
    } else if (listener.protocol != ListenerProtocol::framed) {
      config_.refuse(section, "service", "is missing: only framed clients can name one themselves");
    } else if (names.empty()) {
      config_.refuse(section, "services",
                     "is missing, and so is service: there is nothing to open");
    }
    std::set<std::string_view> seen;
    for (const auto& each : names) {
      if (!seen.insert(each).second) {
        config_.refuse(section, "services", shown(each) + " is named twice");
      } else if (const auto* service = find_service(section, "services", each)) {
        listener.open_services.push_back(service);
      }
    }
    if (names.empty() && listener.service != nullptr)
      listener.open_services.push_back(listener.service);
  }

  const ServiceSettings* find_service(const std::string& section, const char* key,
                                      const std::string& name) {
    std::vector<std::string_view> known;
    for (const auto& service : settings_.services) {
      if (service->name == name) return service.get();
      known.push_back(service->name);
    }
    config_.refuse(section, key, "there is no [service." + name + "]" + did_you_mean(name, known));
    return nullptr;
  }

  Configuration& config_;
  const ConfigWorld& world_;
  ServerSettings settings_;
  std::map<std::string, std::string> bound_;  // address -> section
};

// The last words on a configuration without listeners.
void refuse_emptiness(Configuration& config, const std::optional<std::string>& file) {
  if (file) {
    config.refuse({.kind = Origin::Kind::file, .name = *file}, "no [listener.NAME] section");
  } else {
    config.refuse(command_line_origin(), std::string("no configuration: give one with -c, write ") +
                                             kDefaultConfigFile +
                                             ", or use --listen ADDRESS for an echo service");
  }
}

// Adds what --listen and -p say. Returns what is wrong with them, for exit status 2; empty:
// nothing.
std::string apply_short_options(ConfigInput& input, const CommandLine& command_line) {
  std::string error;
  if (!command_line.listen.empty())
    error = apply_listen(input, Configuration(input), command_line.listen);
  if (error.empty() && command_line.port)
    error = apply_port(input, Configuration(input), *command_line.port);
  return error;
}

}  // namespace

LoadedConfig load_server_config(const CommandLine& command_line, const ConfigWorld& world) {
  const auto file = config_file(command_line, world.files);
  auto input = read_everything(command_line, file, world);
  const auto bad_option = apply_short_options(input, command_line);
  Configuration config(input);
  // A listener whose section could not be read is not missing from the command line.
  if (!bad_option.empty() && config.errors().empty())
    return {.errors = {bad_option}, .exit_status = kExitBadArguments};

  auto settings = Builder(config, world).build();
  if (settings.listeners.empty() && config.errors().empty()) refuse_emptiness(config, file);
  LoadedConfig result;
  for (const auto& error : config.errors()) result.errors.push_back(error.text());
  if (!result.errors.empty()) {
    result.exit_status = kExitInvalidConfiguration;
    return result;
  }
  result.settings = std::move(settings);
  result.listing = config.listing();
  return result;
}

}  // namespace fairlead
