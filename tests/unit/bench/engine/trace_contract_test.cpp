// A stream that is traced keeps the contract of the stream in it.
#include "client/bench/engine/exchange_trace.hpp"
#include "tests/contract/fake_rig.hpp"

namespace fairlead {
namespace {

class TracedRig final : public FakeRig, private Network, private BenchClock {
 public:
  explicit TracedRig(bool probe_answers_later) : FakeRig(probe_answers_later) {}

  std::unique_ptr<ByteStream> make_stream() override {
    std::unique_ptr<ByteStream> traced;
    static_cast<void>(
        trace_.connect({}, {}, [&traced](Connected connected) { traced = *std::move(connected); }));
    return traced;
  }

 private:
  // Network.
  std::unique_ptr<Pending> resolve(const std::string&, std::uint16_t, AddressFamily,
                                   std::function<void(Result<Resolved>)>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> connect(const Destination&, const ConnectSettings&,
                                   std::function<void(Connected)> done) override {
    done(FakeRig::make_stream());
    return nullptr;
  }

  // BenchClock.
  BenchTime now() noexcept override { return {}; }
  void wake_at(BenchTime) override {}

  ExchangeTrace trace_{*this, *this};
};

template <bool kProbeAnswersLater>
std::unique_ptr<StreamRig> make_traced_rig() {
  return std::make_unique<TracedRig>(kProbeAnswersLater);
}

INSTANTIATE_TEST_SUITE_P(ExchangeTrace, ByteStreamContract,
                         testing::Values(StreamRigFactory(make_traced_rig<true>),
                                         StreamRigFactory(make_traced_rig<false>)),
                         [](const testing::TestParamInfo<StreamRigFactory>& rig) {
                           return rig.index == 0 ? "ProbeAnswersLater" : "ProbeAnswersAtOnce";
                         });

}  // namespace
}  // namespace fairlead
