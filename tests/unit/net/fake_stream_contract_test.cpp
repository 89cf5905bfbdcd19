// The fake stream keeps the contract that Link keeps, so that what holds over it holds over
// sockets.
#include "tests/contract/fake_rig.hpp"

namespace fairlead {
namespace {

template <bool kProbeAnswersLater>
std::unique_ptr<StreamRig> make_fake_rig() {
  return std::make_unique<FakeRig>(kProbeAnswersLater);
}

INSTANTIATE_TEST_SUITE_P(FakeStream, ByteStreamContract,
                         testing::Values(StreamRigFactory(make_fake_rig<true>),
                                         StreamRigFactory(make_fake_rig<false>)),
                         [](const testing::TestParamInfo<StreamRigFactory>& rig) {
                           return rig.index == 0 ? "ProbeAnswersLater" : "ProbeAnswersAtOnce";
                         });

}  // namespace
}  // namespace fairlead
