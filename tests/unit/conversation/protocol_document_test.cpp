// Plays the vectors of docs/protocol.md to a shard, and holds its columns on how each ending is
// told against what a client gets.
#include <gtest/gtest.h>

#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"
#include "tests/unit/protocol/document.hpp"

namespace fairlead {
namespace {

using document::Row;
using document::Vector;
using Kind = document::Step::Kind;

// The configuration that stands above the vectors.
ServerSettings settings_of_the_document() {
  ServerSettings settings = default_settings();
  ServiceSettings& echo = add_service(settings, "echo", "echo");
  echo.text_rules.boundary = Boundary::line;
  ServiceSettings& reply = add_service(settings, "reply", "reply");
  reply.text = "好的,收到.";
  reply.greeting = "你好";
  ServiceSettings& once = add_service(settings, "once", "echo");
  once.text_rules.boundary = Boundary::chunk;
  once.close_after = 1;
  ListenerSettings& main = add_listener(settings, ListenerProtocol::automatic, &echo);
  main.offered_services = {echo.name, reply.name};
  add_listener(settings, ListenerProtocol::automatic, &reply).name = "greeting";
  add_listener(settings, ListenerProtocol::automatic, &once).name = "once";
  ServiceSettings& files = add_service(settings, "files", "file");
  add_listener(settings, ListenerProtocol::automatic, &files).name = "files";
  return settings;
}

std::size_t listener_named(TestShard& shard, const std::string& name) {
  const auto& listeners = shard.settings().listeners;
  for (std::size_t i = 0; i < listeners.size(); ++i)
    if (listeners[i]->name == name) return i;
  ADD_FAILURE() << "no listener " << name;
  return 0;
}

std::string hex(std::string_view bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += kDigits[octet(byte) >> 4];
    out += kDigits[octet(byte) & 15];
  }
  return out;
}

void act(TestShard& shard, TestClient& client, const document::Step& step) {
  switch (step.kind) {
    case Kind::client:
      client.wire.send(step.bytes);
      break;
    case Kind::client_end:
      client.wire.end();
      break;
    case Kind::wait:
      shard.advance(Duration(step.milliseconds) + TimerWheel::kSlot);
      break;
    case Kind::drain:
      shard.begin_drain();
      break;
    case Kind::server:
    case Kind::server_end:
      break;
  }
}

void play(const Vector& vector) {
  TestShard shard(settings_of_the_document());
  shard.files.add("note", "hello");
  TestClient& client = shard.connect({}, listener_named(shard, vector.attribute("listener")));
  std::string expected;
  for (std::size_t i = 0; i < vector.steps.size(); ++i) {
    const document::Step& step = vector.steps[i];
    if (step.kind == Kind::server) {
      expected += step.bytes;
      continue;
    }
    // Everything that had to come by now has come, and nothing else.
    ASSERT_EQ(hex(client.news()), hex(expected)) << vector.name() << ", before step " << i + 1;
    expected.clear();
    if (step.kind == Kind::server_end) {
      EXPECT_TRUE(client.wire.saw_end()) << vector.name() << ", step " << i + 1;
    }
    act(shard, client, step);
    // Bytes and the end of the stream may arrive together.
    const bool ends_now =
        i + 1 < vector.steps.size() && vector.steps[i + 1].kind == Kind::client_end;
    if (step.kind != Kind::client || !ends_now) shard.settle();
  }
  EXPECT_EQ(hex(client.news()), hex(expected)) << vector.name();
  EXPECT_TRUE(client.wire.saw_end()) << vector.name();
  EXPECT_TRUE(client.wire.is_finished()) << vector.name();
  EXPECT_EQ(client.wire.breach(), "") << vector.name();
}

TEST(ProtocolDocument, AShardKeepsToEveryVector) {
  for (const Vector& vector : document::vectors()) play(vector);
}

// ---- How each ending is told

std::string words_for(const Row& row) { return "error: " + row[1] + ": " + row[2]; }

// What a client of one protocol hears when its session ends for `reason`, after `hello` was said.
std::string last_words(ListenerProtocol protocol, std::string_view hello, CloseReason reason) {
  TestShard shard(settings_for("discard", protocol));
  TestClient& client = shard.connect();
  if (!hello.empty()) client.sends(hello);
  client.news();
  shard.evict_all(reason);
  EXPECT_TRUE(client.wire.saw_end()) << name_of(reason);
  return client.news();
}

std::string refusal(ListenerProtocol protocol, CloseReason reason) {
  TestShard shard(settings_for("discard", protocol));
  TestClient& client = shard.connect({}, 0, reason);
  EXPECT_TRUE(client.wire.saw_end()) << name_of(reason);
  return client.received();
}

TEST(ProtocolDocument, FramedClientsAreToldAsItSays) {
  for (const Row& row : document::close_reasons()) {
    const auto reason = static_cast<CloseReason>(std::stoi(row[0]));
    const std::map<std::string, int> kTypes = {
        {"ERROR", client::error}, {"CLOSE", client::close}, {"GOAWAY", client::goaway}};
    const auto type = kTypes.find(row[3]);
    if (type == kTypes.end()) continue;
    const auto told = client::parse(client::kPreface +
                                    last_words(ListenerProtocol::framed, client::kPreface, reason));
    ASSERT_EQ(told.frames.size(), 1U) << row[1];
    std::string payload = client::number(static_cast<std::uint64_t>(std::stoi(row[0])), 4) + row[2];
    if (type->second == client::goaway) payload = client::number(0, 4) + payload;
    EXPECT_EQ(told.frames[0], (client::Received{type->second, 0, 0, payload}));
  }
}

TEST(ProtocolDocument, PlainClientsAreToldAsItSays) {
  for (const Row& row : document::close_reasons()) {
    if (row[4] != "words" && row[4] != "end") continue;
    const auto reason = static_cast<CloseReason>(std::stoi(row[0]));
    const bool told = row[4] == "words";
    EXPECT_EQ(last_words(ListenerProtocol::text, {}, reason), told ? words_for(row) + "\n" : "");
    EXPECT_EQ(last_words(ListenerProtocol::len32, {}, reason),
              told ? client::len32(words_for(row)) : "");
  }
}

TEST(ProtocolDocument, ThoseRefusedAtOnceAreToldWhereTheirProtocolIsKnown) {
  std::size_t seen = 0;
  for (const Row& row : document::close_reasons()) {
    if (row[3] != "refused" || row[4] != "words") continue;
    ++seen;
    const auto reason = static_cast<CloseReason>(std::stoi(row[0]));
    EXPECT_EQ(refusal(ListenerProtocol::text, reason), words_for(row) + "\n");
    EXPECT_EQ(refusal(ListenerProtocol::len32, reason), client::len32(words_for(row)));
    EXPECT_EQ(refusal(ListenerProtocol::automatic, reason), "");
    const auto told = client::parse(refusal(ListenerProtocol::framed, reason));
    ASSERT_EQ(told.frames.size(), 2U);
    EXPECT_EQ(told.frames[0].type, client::hello);
    EXPECT_EQ(told.frames[1], (client::Received{client::error, 0, 0,
                                                client::number(std::stoul(row[0]), 4) + row[2]}));
  }
  EXPECT_EQ(seen, 4U);
}

}  // namespace
}  // namespace fairlead
