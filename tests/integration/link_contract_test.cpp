// The contract of a ByteStream over Link: on TCP, and on a pair of unix sockets.
#include <netinet/tcp.h>

#include "tests/contract/byte_stream_contract.hpp"
#include "tests/integration/loop_thread.hpp"
#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

class LinkRig : public StreamRig {
 public:
  LinkRig(Pair pair, bool knows_resets)
      : near_(std::move(pair.near)), far_(std::move(pair.far)), knows_resets_(knows_resets) {}

  std::unique_ptr<ByteStream> make_stream() override {
    return thread_.loop().adopt(near_.release());
  }
  void turn(const std::function<void()>& work) override {
    thread_.call([&work] { work(); });
  }
  // Some rounds of the loop: loopback brings bytes within the call that sends them.
  void settle() override {
    for (int i = 0; i < 5; ++i) thread_.call([] {});
  }

  bool knows_resets() const override { return knows_resets_; }
  // The kernel takes all of it, or the test would wait for itself.
  void peer_sends(std::string_view bytes) override {
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()),
              ::send(far_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  void peer_ends() override { far_.end_sending(); }
  void peer_resets() override {
    const linger now{1, 0};
    ::setsockopt(far_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    far_.close();
  }
  std::string peer_receives(std::size_t bytes_max) override {
    std::string bytes(std::min<std::size_t>(bytes_max, 1 << 16), '\0');
    const ssize_t size = ::recv(far_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }
  bool peer_sees_end() override {
    char byte = 0;
    return ::recv(far_.get(), &byte, 1, 0) == 0;
  }
  bool peer_sees_reset() override {
    char byte = 0;
    return ::recv(far_.get(), &byte, 1, 0) < 0 && errno == ECONNRESET;
  }

 private:
  LoopThread thread_;
  Socket near_, far_;
  const bool knows_resets_;
};

std::unique_ptr<StreamRig> make_tcp_rig() {
  Pair pair = connected_pair();
  const int at_once = 1;  // or Nagle's algorithm would keep bytes back
  ::setsockopt(pair.far.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  return std::make_unique<LinkRig>(std::move(pair), true);
}

std::unique_ptr<StreamRig> make_unix_rig() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  Pair pair{Socket(ends[0]), Socket(ends[1])};
  pair.far.give_up_after(60);
  return std::make_unique<LinkRig>(std::move(pair), false);
}

std::string name_of(const testing::TestParamInfo<StreamRigFactory>& rig) {
  return rig.index == 0 ? "Tcp" : "Unix";
}

INSTANTIATE_TEST_SUITE_P(Link, ByteStreamContract,
                         testing::Values(StreamRigFactory(make_tcp_rig),
                                         StreamRigFactory(make_unix_rig)),
                         name_of);

}  // namespace
}  // namespace fairlead
