// The contract of a ByteStream over the fake connection, and over what is around such a stream.
#pragma once

#include <utility>

#include "tests/contract/byte_stream_contract.hpp"
#include "tests/support/fake_stream.hpp"

namespace fairlead {

class FakeRig : public StreamRig {
 public:
  explicit FakeRig(bool probe_answers_later)
      : wire_({.kernel_bytes_max = 100'000,
               .client_reads = false,
               .probe_answers_later = probe_answers_later}) {}

  std::unique_ptr<ByteStream> make_stream() override { return wire_.make_stream(); }
  void turn(const std::function<void()>& work) override { work(); }
  void settle() override {
    while (wire_.has_event()) wire_.run_event();
  }
  void peer_sends(std::string_view bytes) override { wire_.send(bytes); }
  void peer_ends() override { wire_.end(); }
  void peer_resets() override { wire_.fail(StreamError::reset); }
  std::string peer_receives(std::size_t bytes_max) override {
    wire_.take(bytes_max);
    const std::size_t from = std::exchange(seen_, wire_.received().size());
    return wire_.received().substr(from);
  }
  bool peer_sees_end() override { return wire_.saw_end(); }
  bool peer_sees_reset() override { return wire_.saw_reset(); }

 private:
  FakeConnection wire_;
  std::size_t seen_ = 0;
};

}  // namespace fairlead
