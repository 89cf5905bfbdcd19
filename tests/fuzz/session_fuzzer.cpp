// A whole shard. The first byte chooses between a script (many clients, and the bytes say what
// happens next: deliveries, silences, slow kernels, ends, resets, moves, a drain) and a comparison
// (one client's stream, whole and split, must come to the same replies and the same end).
#include <map>
#include <numeric>

#include "common/base/check.hpp"
#include "common/protocol/framed_codec.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"
#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {
namespace {

using std::chrono::seconds;

constexpr const char* kTypes[] = {"echo", "reply", "log", "discard", "greet", "file"};

// Every protocol for every service, and one listener for those who name theirs.
void add_listeners(ServerSettings& settings) {
  using enum ListenerProtocol;
  const auto add = [&settings](ListenerProtocol protocol, const ServiceSettings* service) {
    ListenerSettings& listener = add_listener(settings, protocol, service);
    listener.offered_services.clear();
    for (const auto& offered : settings.services)
      listener.offered_services.push_back(offered->name);
  };
  for (const auto protocol : {automatic, text, len32, framed})
    for (const auto& service : settings.services) add(protocol, service.get());
  add(framed, nullptr);
}

// Limits so narrow that inputs of a few hundred bytes reach all of them.
ServerSettings narrow_settings(std::uint8_t choice) {
  ServerSettings settings = default_settings();
  settings.limits.max_message = 200;
  settings.limits.queue_soft = (choice & 1) != 0 ? 64 : 600;
  settings.limits.requests_per_turn = 1U + (choice >> 1) % 4;
  settings.timeouts = {.idle = seconds(20),
                       .first_byte = (choice & 8) != 0 ? seconds(5) : seconds(0),
                       .message = seconds(6),
                       .write = seconds(4),
                       .linger = seconds(2),
                       .drain = seconds(3),
                       .lame_duck = seconds(0)};
  for (const char* type : kTypes) {
    ServiceSettings& service = add_service(settings, type, type);
    service.text = "{text}: {len} from {peer}";
    service.text_rules = {.boundary = static_cast<Boundary>((choice >> 4) % 3), .chunk = 24};
    if (service.type == "reply" || service.type == "greet") service.greeting = "你好";
    if (service.type == "log") service.transcript.on_message = "{text}";
    if (service.type == "discard") service.close_after = 3;
  }
  add_listeners(settings);
  return settings;
}

void add_files(TestShard& world) {
  world.files.add("note", "a small file\n");
  world.files.add("book", std::string(3000, 'b'));
  world.files.add_shrinking("shrunk", std::string(3000, 's'), 3001);
  world.files.add_trap("trap");
}

std::uint64_t closed_sessions(const Counters& counters) {
  return std::accumulate(counters.closed.begin(), counters.closed.end(), std::uint64_t{0});
}

// ---- What clients got

// The server keeps to its own protocol, answers each channel in order, and each request once.
void check_framed_output(const TestClient& client) {
  if (client.log_field("protocol") != "framed") return;
  BufferPool pool;
  FramedCodec codec(pool, (1U << 24) - 1);
  const Decoded decoded = decode_pieces(codec, {client.received()});
  FAIRLEAD_CHECK(decoded.reason == CloseReason::none);
  std::map<std::uint16_t, std::uint32_t> last_answered;
  for (std::size_t i = 0; i < decoded.heard.size(); ++i) {
    const Heard& frame = decoded.heard[i];
    FAIRLEAD_CHECK((frame.type == FrameType::hello) == (i == 0));
    const bool answers = frame.type == FrameType::reply || frame.type == FrameType::opened ||
                         frame.type == FrameType::status || frame.type == FrameType::listing ||
                         frame.type == FrameType::end || frame.type == FrameType::hashes ||
                         (frame.type == FrameType::error && frame.request_id != 0);
    if (!answers) continue;
    FAIRLEAD_CHECK(frame.request_id > last_answered[frame.channel]);
    last_answered[frame.channel] = frame.request_id;
  }
}

// ---- Scripts

class Script {
 public:
  explicit Script(FuzzInput input)
      : input_(input), choice_(input_.byte()), world_(narrow_settings(choice_)) {
    add_files(world_);
    world_.shard().on_empty = [this] { ++times_empty_; };
    world_.after_turn = [this] { check_turn(); };
  }

  void play() {
    connect();
    for (int acts = 0; acts < 300 && !input_.empty(); ++acts) act();
    end();
  }

 private:
  void connect() {
    if (world_.clients().size() >= 6) return;
    const std::uint8_t choice = input_.byte();
    const std::uint8_t manner = input_.byte();
    FakeConditions conditions;
    conditions.client_reads = (manner & 1) != 0;
    conditions.kernel_bytes_max = conditions.client_reads ? SIZE_MAX : manner;
    conditions.probe_answers_later = (manner & 2) != 0;
    conditions.read_bytes_max = (manner & 4) != 0 ? 5 : 1000;
    const auto refused = (manner & 0xf0) == 0xf0 ? CloseReason::server_full : CloseReason::none;
    world_.connect(conditions, choice % world_.settings().listeners.size(), refused);
  }

  void act() {
    TestClient& client = *world_.clients()[input_.byte() % world_.clients().size()];
    switch (input_.below(10)) {
      case 0:
        return connect();
      case 1:
        client.ends();
        return;
      case 2:
        client.takes(input_.byte());
        return;
      case 3:
        return world_.advance(Duration(input_.byte()));
      case 4:
        return world_.advance(Duration(input_.two_bytes()));
      case 5:
        client.fails(static_cast<StreamError>(input_.below(3)));
        return;
      case 6:
        return stop();
      case 7:
        client.wire.leave();
        return;
      default:
        // What is only put on the wire is delivered together with what follows it.
        client.wire.send(input_.bytes(input_.byte()));
        if (input_.below(2) == 0) world_.settle();
    }
  }

  void stop() {
    const std::uint8_t manner = input_.below(8);
    if (manner == 3) return reload();
    if (manner == 4 || manner == 5) return upgrade(manner == 5);
    if (manner < 6) return;
    world_.begin_drain();
    draining_ = true;
    if (manner == 7) world_.evict_all();
  }

  // All but the mark of the queues, against which check_turn() holds them, may be another.
  void reload() {
    const auto choice = static_cast<std::uint8_t>((input_.byte() & ~1U) | (choice_ & 1U));
    FAIRLEAD_CHECK(world_.reload(narrow_settings(choice)).empty());
  }

  // To this shard, as if it were another one. Those that are not taken go on where they were.
  void upgrade(bool is_taken) {
    using enum Departed::Fate;
    for (const auto& client : world_.clients())
      client->wire.conditions.halt_finds_bytes = (client->id() & 1) != 0;
    world_.take_over_from(world_, 1U + input_.below(4),
                          [&](const auto&) { return is_taken ? taken : returned; });
  }

  void check_turn() {
    FAIRLEAD_CHECK(world_.turns() < 200'000);  // a loop that never sleeps
    const Counters& counters = world_.shard().counters();
    FAIRLEAD_CHECK(counters.accepted == world_.clients().size());
    FAIRLEAD_CHECK(counters.open == world_.shard().connections());
    FAIRLEAD_CHECK(counters.accepted + counters.taken_over ==
                   counters.open + closed_sessions(counters) + counters.handed_over);
    // The mark, and what one answer may put above it.
    constexpr std::size_t kOneAnswerMax = 4096;
    for (const auto& client : world_.clients()) {
      FAIRLEAD_CHECK(client->queued_bytes() <= world_.settings().limits.queue_soft + kOneAnswerMax);
      FAIRLEAD_CHECK(client->wire.breach().empty());
    }
  }

  // Whatever the clients do or leave undone, time alone ends every session.
  void end() {
    world_.advance(seconds(120));
    const Counters& counters = world_.shard().counters();
    FAIRLEAD_CHECK(world_.shard().connections() == 0);
    FAIRLEAD_CHECK(counters.closed[static_cast<std::size_t>(CloseReason::none)] == 0);
    FAIRLEAD_CHECK(world_.session_log.events.size() == counters.accepted);
    FAIRLEAD_CHECK(times_empty_ == (draining_ ? 1 : 0));
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    for (const auto& client : world_.clients()) {
      sent += client->wire.sent_bytes();
      delivered += client->wire.delivered_bytes();
      FAIRLEAD_CHECK(client->wire.is_destroyed());
      check_framed_output(*client);
    }
    FAIRLEAD_CHECK(counters.bytes_out == sent);
    FAIRLEAD_CHECK(counters.bytes_in == delivered);
  }

  FuzzInput input_;
  const std::uint8_t choice_;
  TestShard world_;
  int times_empty_ = 0;
  bool draining_ = false;
};

// ---- Comparisons

// What a client got. Only on one channel are answers in order, and a PONG may overtake them, so
// what a framed client got is kept by channel, and its PONGs apart.
using Output = std::map<std::pair<std::uint64_t, bool>, std::vector<std::string>>;

Output output_of(const TestClient& client) {
  const client::Stream stream = client::parse(client.received());
  Output output{{{0, false}, {stream.rest}}};
  for (const client::Received& frame : stream.frames) {
    output[{frame.channel, frame.type == client::pong}].push_back(
        client::frame(frame.type, frame.channel, frame.id, frame.payload));
  }
  return output;
}

struct Outcome {
  Output output;
  std::array<std::uint64_t, kCloseReasonCount> closed;
  std::uint64_t messages_in, messages_out;
  std::vector<std::string> transcript;

  bool operator==(const Outcome&) const = default;
};

Outcome converse(std::uint8_t choice, std::size_t listener, const std::vector<Bytes>& pieces) {
  ServerSettings settings = narrow_settings(choice);
  // `chunk` text is made of deliveries; nothing else may depend on them.
  for (const auto& service : settings.services)
    if (service->text_rules.boundary == Boundary::chunk)
      service->text_rules.boundary = Boundary::line;
  TestShard world(std::move(settings));
  add_files(world);
  TestClient& client = world.connect({}, listener % world.settings().listeners.size());
  client.sends_pieces(pieces).ends();
  FAIRLEAD_CHECK(client.wire.is_destroyed());
  const Counters& counters = world.shard().counters();
  FAIRLEAD_CHECK(closed_sessions(counters) == 1);
  check_framed_output(client);
  return {output_of(client), counters.closed, counters.messages_in, counters.messages_out,
          world.transcript.lines};
}

void compare(FuzzInput input) {
  const std::uint8_t choice = input.byte();
  const std::uint8_t listener = input.byte();
  std::mt19937 random(input.two_bytes());

  const Bytes stream = input.rest();
  const Outcome whole = converse(choice, listener, {stream});
  FAIRLEAD_CHECK(converse(choice, listener, split_at_random(stream, random)) == whole);
  if (stream.size() <= 256)
    FAIRLEAD_CHECK(converse(choice, listener, byte_by_byte(stream)) == whole);
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::FuzzInput input(data, size);
  if (input.below(2) == 0) {
    fairlead::compare(input);
  } else {
    fairlead::Script(input).play();
  }
  return 0;
}
