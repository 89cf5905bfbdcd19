// The daemon on threads of the test: real sockets at ports that the kernel chooses, no process, no
// signal.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/api/service_table.hpp"
#include "server/app/daemon.hpp"
#include "server/app/server_config.hpp"
#include "tests/integration/sockets.hpp"
#include "tests/unit/config/fake_files.hpp"

namespace fairlead {

// A folder that goes with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fairlead-app-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline SettingsSnapshot settings_from(const std::string& config,
                                      const std::vector<std::string>& overrides = {}) {
  FakeFiles files({{"f", config}});
  std::vector<std::string_view> types;
  for (const ServiceType& type : service_types()) types.push_back(type.name);
  auto loaded = load_server_config(
      {.config_file = "f", .settings = overrides},
      {.files = files, .environment = {}, .service_types = std::move(types), .cores = 1});
  if (!loaded) throw std::runtime_error(loaded.error().what);
  return std::make_shared<const ServerSettings>(std::move(loaded->settings));
}

// Two threads, and the listeners `main` and `other` of an echo service.
inline const std::string kTwoListeners =
    "[server]\nthreads = 2\n"
    "[service.echo]\ntype = echo\n"
    "[listener.main]\nbind = 127.0.0.1:0\nservice = echo\nprotocol = text\n"
    "[listener.other]\nbind = 127.0.0.1:0\nservice = echo\nprotocol = text\n";

class RunningDaemon {
 public:
  explicit RunningDaemon(const std::string& config)
      : settings(settings_from(config, {"server.run_dir=" + folder / ""})),
        log_(std::move(*Log::open({.file = folder / "log", .repeats = 0}))),
        daemon_(std::in_place, settings, *log_, connection_limit(10'000, *settings)) {}
  ~RunningDaemon() {
    if (thread_.joinable()) abort();
  }

  Daemon& daemon() { return *daemon_; }

  void open() {
    const Outcome<> opened = daemon_->open();
    ASSERT_TRUE(opened) << opened.error().what;
  }
  // Serves from what has been opened, on a thread of its own.
  void run() {
    thread_ = std::thread([this] { outcome_ = daemon_->run(); });
  }
  // How the run has ended; waits for its end.
  const Outcome<>& outcome() {
    if (thread_.joinable()) thread_.join();
    return outcome_;
  }
  // Every line of the log; the daemon has ended before, and is gone then.
  std::string log() {
    outcome();
    daemon_.reset();
    log_.reset();
    std::ifstream file(folder / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // As other programs find it, in the ports file.
  std::uint16_t port(const std::string& listener = "main") const {
    std::ifstream file(folder / "ports");
    for (std::string name, address; file >> name >> address;)
      if (name == listener) return parse_endpoint(address)->port;
    ADD_FAILURE() << "no listener " << listener;
    return 0;
  }
  Socket connect(const std::string& listener = "main") const {
    Socket client = new_socket();
    connect_to(client, port(listener));
    return client;
  }
  // Runs `work` in a turn of the first loop, and waits for it.
  template <class Work>
  void call(Work work) {
    std::promise<void> done;
    daemon_->loop().post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  const TestFolder folder;
  const SettingsSnapshot settings;

 private:
  void abort() {
    daemon_->request_stop(StopRequest::drain);
    daemon_->request_stop(StopRequest::drain);
    thread_.join();
  }

  std::unique_ptr<Log> log_;
  std::optional<Daemon> daemon_;
  std::thread thread_;
  Outcome<> outcome_;
};

inline void expect_echo(const Socket& client, const std::string& line) {
  client.send_all(line);
  EXPECT_EQ(client.receive_exactly(line.size()), line);
}

// True when the port refuses; it may be asked before its listener has closed.
inline bool refuses(std::uint16_t port) {
  const Socket client = new_socket();
  const sockaddr_in address = loopback(port);
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
             0 &&
         errno == ECONNREFUSED;
}

}  // namespace fairlead
