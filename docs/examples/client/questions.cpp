// Asks two questions over one framed connection, prints the answers, and ends.
//   questions ADDRESS
#include <cstdio>

#include "client/api/client.hpp"
#include "common/io/connector.hpp"

using namespace fairlead;

struct Questions final : ClientObserver {
  void on_ready(const Destination&) override {
    for (const char* text : {"hello", "world"}) client->connection()->send(text);
  }
  void on_frame(const Frame& frame) override {
    if (frame.type != FrameType::reply) return;
    const std::string answer(frame.payload);
    std::printf("%u: %s\n", frame.request_id, answer.c_str());
    if (frame.request_id == 2) client->close();
  }
  void on_ended(const Failure& failure) override {
    if (failure.kind != FailureKind::none) std::fprintf(stderr, "%s\n", failure.what.c_str());
    loop.stop();
  }

  Loop loop;
  Client* client = nullptr;
};

int main(int argc, char** argv) {
  const Result<Endpoint> address = parse_endpoint(argc == 2 ? argv[1] : "");
  if (!address) {
    std::fprintf(stderr, "usage: questions ADDRESS (%s)\n", address.error().what.c_str());
    return 2;
  }
  ClientSettings settings{.server = *address};
  settings.connection.protocol = Protocol::framed;
  Questions questions;
  ClientShard shard(Loop::read_clock());
  Connector network(questions.loop);
  Client client(shard, network, settings, questions);
  questions.client = &client;
  questions.loop.drive(shard);
  questions.loop.post([&client] { client.open(); });
  questions.loop.run();
}
