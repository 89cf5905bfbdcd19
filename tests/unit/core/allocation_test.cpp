// Memory runs out, once, at every moment of a session's life: the session that needed it ends, and
// nothing else does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <numeric>

#include "tests/support/client_frames.hpp"
#include "tests/support/failing_allocations.hpp"
#include "tests/support/test_shard.hpp"

namespace {

void* allocate(std::size_t size, std::size_t alignment) {
  if (fairlead::FailingAllocations::now()) throw std::bad_alloc();
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Inlined, free() would stand beside a new of the library's, which g++ takes for a mistake.
[[gnu::noinline]] void release(void* memory) noexcept { std::free(memory); }

}  // namespace

// The array forms come to these.
void* operator new(std::size_t size) { return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace fairlead {
namespace {

using namespace std::chrono_literals;

// A listener of each protocol for each service.
ServerSettings everything() {
  ServerSettings settings = default_settings();
  for (const char* type : {"echo", "reply", "file", "greet"}) {
    ServiceSettings& service = add_service(settings, type, type);
    service.text_rules = {.boundary = Boundary::line};
    service.greeting = "成功连接服务器, and more than fits into a short string";
    service.text = "{text} from {peer}, which is no short answer";
    service.transcript = {.on_connect = "connected: {peer} and a long line behind it",
                          .on_message = "got {text} from {peer}, with a long line behind it",
                          .on_close = "gone: {peer}, with a long line behind it",
                          .on_missing = "{text} is not there, and this is a long line"};
    for (const auto protocol : {ListenerProtocol::automatic, ListenerProtocol::framed}) {
      auto& listener = add_listener(settings, protocol, &service);
      listener.offered_services.clear();
    }
  }
  for (const auto& listener : settings.listeners)
    for (const auto& service : settings.services)
      listener->offered_services.push_back(service->name);
  settings.limits.queue_soft = 600;
  settings.limits.requests_per_turn = 3;
  settings.limits.max_buffer_memory = 12'000;
  return settings;
}

std::size_t listener_of(TestShard& shard, const std::string& type, ListenerProtocol protocol) {
  for (std::size_t i = 0; i < shard.settings().listeners.size(); ++i) {
    const auto& one = *shard.settings().listeners[i];
    if (one.default_service == type && one.protocol == protocol) return i;
  }
  return 0;
}

// What sessions go through; the clients of one run, in the order in which they come.
void live(TestShard& shard) {
  constexpr auto automatic = ListenerProtocol::automatic;
  constexpr auto framed_only = ListenerProtocol::framed;
  const auto connect = [&shard](const std::string& type, ListenerProtocol protocol,
                                FakeConditions conditions = {}) -> TestClient& {
    return shard.connect(conditions, listener_of(shard, type, protocol));
  };
  constexpr FakeConditions kSlow{.kernel_bytes_max = 200, .client_reads = false};
  const std::string lines =
      "one\ntwo\r\nthree\n\xc4\xe3\xba\xc3\nfive\nand a long line that fits nowhere\nrest";

  auto& text = connect("echo", automatic);
  text.sends(lines).ends();
  connect("reply", automatic).sends_pieces({"be", "gun\nand", "\n"}).fails(StreamError::reset);
  connect("echo", automatic)
      .sends(client::len32(std::string(500, 'l')) + client::len32("x"))
      .ends();

  auto& framed = connect("echo", framed_only, kSlow);
  framed.sends(client::kPreface + client::frame(client::open, 1, 1, "reply") +
               client::frame(client::open, 2, 2, "file") + client::request(3, "x", 1));
  framed.sends(client::request(4, std::string(400, 'y'), 0) +
               client::frame(client::ping, 0, 0, "p") + client::frame(client::close, 1, 0) +
               client::frame(0x90, 0, 0, std::string(300, 's')));
  for (int i = 0; i < 10; ++i) framed.takes(150);

  framed.sends(client::frame(
      client::get, 2, 5,
      std::string(16, '\xff').replace(0, 8, 8, '\0') + std::string(kIdentityBytes, '\0') + "big"));
  for (int i = 0; i < 40; ++i) shard.advance(100ms), framed.takes(150);

  auto& download = connect("file", automatic, kSlow);
  download.sends("big\n");
  for (int i = 0; i < 10; ++i) download.takes(200);
  connect("file", automatic).sends("missing\n").ends();
  shard.connect({}, listener_of(shard, "echo", framed_only), CloseReason::server_full).ends();
  auto& held = connect("echo", automatic, kSlow);
  held.sends(std::string(900, 'h') + "\n" + lines);
  connect("greet", automatic);
  // As if to another process; the bystander, who was first, comes back.
  shard.take_over_from(shard, kBatchSessionsMax, [](const SessionState& state) {
    return state.id == 1 ? Departed::Fate::returned : Departed::Fate::taken;
  });
  held.takes(200);
  shard.begin_drain();
  shard.advance(1s);
  shard.evict_all();
  for (int i = 0; i < 20; ++i) held.takes(200);
  shard.advance(120s);
}

std::uint64_t all_closed(const Counters& counters) {
  return std::accumulate(counters.closed.begin(), counters.closed.end(), std::uint64_t{0});
}

// False: the life needed fewer allocations than that.
bool live_with_failure_at(long number) {
  TestShard shard(everything());
  shard.files.add("big", std::string(5000, 'f'));
  // Never used by the script, and let in first: what happens to others is nothing to it.
  auto& bystander = shard.connect({}, 0);
  bystander.sends("before\n");
  const std::size_t greeting = bystander.news().size();
  EXPECT_GT(greeting, 0U);
  shard.after_turn = [&shard] {
    const Counters& counters = shard.shard().counters();
    EXPECT_EQ(counters.accepted + counters.taken_over,
              counters.open + all_closed(counters) + counters.handed_over);
  };
  FailingAllocations::left = number;
  FailingAllocations::armed = true;
  {
    const AllocationsSucceed outside_of_turns;
    live(shard);
  }
  const bool failed = !FailingAllocations::armed;
  FailingAllocations::armed = false;

  const Counters& counters = shard.shard().counters();
  EXPECT_EQ(shard.shard().connections(), 0U);
  EXPECT_EQ(counters.open, 0U);
  EXPECT_EQ(counters.accepted, shard.clients().size());
  EXPECT_EQ(all_closed(counters), counters.accepted);
  EXPECT_EQ(counters.closed[static_cast<std::size_t>(CloseReason::none)], 0U);
  EXPECT_LE(counters.closed[static_cast<std::size_t>(CloseReason::internal_error)], 1U);
  EXPECT_EQ(shard.session_log.events.size(), counters.accepted);
  EXPECT_EQ(shard.shard().pool().bytes_in_use(), 0U);
  EXPECT_EQ(shard.shard().output().used_bytes(), 0U);
  for (const auto& client : shard.clients()) {
    EXPECT_TRUE(client->wire.is_destroyed());
    EXPECT_EQ(client->wire.breach(), "");
  }
  return failed;
}

TEST(Allocation, EachThatFailsEndsItsOwnSessionAlone) {
  long number = 0;
  while (live_with_failure_at(number) && !testing::Test::HasFailure()) ++number;
  EXPECT_GT(number, 100) << "the script has shown little";
  ASSERT_FALSE(testing::Test::HasFailure()) << "at allocation " << number;
}

}  // namespace
}  // namespace fairlead
