// What every ByteStream must do (common/net/byte_stream.hpp), as a suite over a factory. A program
// that includes it instantiates it for its streams:
//
//   INSTANTIATE_TEST_SUITE_P(Link, ByteStreamContract, testing::Values(make_link_rig), ...);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/byte_stream.hpp"

namespace fairlead {

// One stream, the peer at its far end, and the loop between them.
class StreamRig {
 public:
  virtual ~StreamRig() = default;

  // The stream under test; not started. Called once, within a turn.
  virtual std::unique_ptr<ByteStream> make_stream() = 0;

  // Runs `work` in a turn of the loop.
  virtual void turn(const std::function<void()>& work) = 0;

  // Lets everything happen that is about to happen without further help, such as the arrival of
  // what the peer has sent. Called outside of turns.
  virtual void settle() = 0;

  // False: a reset of either side looks like an end.
  virtual bool knows_resets() const { return true; }

  // ---- The peer. Called outside of turns, but for peer_sends(), which may be called within one.

  virtual void peer_sends(std::string_view bytes) = 0;
  virtual void peer_ends() = 0;    // its sending side: FIN
  virtual void peer_resets() = 0;  // RST
  // Reads up to `bytes_max` of what has come; less where no more has.
  virtual std::string peer_receives(std::size_t bytes_max) = 0;
  virtual bool peer_sees_end() = 0;  // behind everything that it has received
  virtual bool peer_sees_reset() = 0;
};

using StreamRigFactory = std::function<std::unique_ptr<StreamRig>()>;

class ByteStreamContract : public testing::TestWithParam<StreamRigFactory> {
 protected:
  // What the stream has reported.
  class Observer final : public StreamObserver {
   public:
    void on_bytes(Bytes arrived) override {
      note();
      bytes += arrived;
      if (on_bytes_do) on_bytes_do();
    }
    void on_end() override {
      note();
      ++ends;
    }
    void on_silence() override {
      note();
      ++silences;
    }
    void on_written(std::size_t size) override {
      note();
      EXPECT_FALSE(is_in_call) << "within a call to the stream";
      written.push_back(size);
      if (on_written_do) on_written_do(size);
    }
    void on_error(StreamError error) override {
      note();
      errors.push_back(error);
    }
    void on_finished() override {
      EXPECT_TRUE(is_terminated) << "before terminate()";
      is_terminated = false;
      note();
      EXPECT_FALSE(is_in_call) << "within a call to the stream";
      ++finishes;
    }
    void on_halted() override {
      note();
      ++halts;
    }

    void note() const {
      EXPECT_EQ(0, finishes) << "behind on_finished";
      EXPECT_FALSE(is_terminated) << "behind terminate()";
    }

    std::string bytes;
    std::vector<std::size_t> written;
    std::vector<StreamError> errors;
    int ends = 0, silences = 0, finishes = 0, halts = 0;
    std::function<void()> on_bytes_do;
    std::function<void(std::size_t)> on_written_do;
    bool is_in_call = false;
    bool is_terminated = false;  // and not yet finished
  };

  void SetUp() override {
    rig = GetParam()();
    rig->turn([this] {
      stream = rig->make_stream();
      stream->start(observer);
    });
  }
  void TearDown() override {
    call([this] { terminate(TerminateManner::quiet); });
    EXPECT_TRUE(settles([this] { return observer.finishes == 1; }));
    rig->turn([this] { stream.reset(); });
  }

  // Calls to the stream, in a turn.
  void call(const std::function<void()>& work) {
    rig->turn([&] {
      observer.is_in_call = true;
      work();
      observer.is_in_call = false;
    });
  }
  // Within a turn.
  void terminate(TerminateManner manner) {
    observer.is_terminated = observer.finishes == 0;
    stream->terminate(manner);
  }
  std::size_t write(std::string_view bytes) {
    std::size_t taken = 0;
    call([&] {
      const std::array<Bytes, 1> pieces{bytes};
      taken = stream->write_some(pieces);
    });
    return taken;
  }

  // What the observer has seen is touched in turns only.
  bool is(const std::function<bool()>& condition) {
    bool holds = false;
    rig->turn([&] { holds = condition(); });
    return holds;
  }
  // False: it has not become so, however much has happened.
  bool settles(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
      if (is(condition)) return true;
      rig->settle();
    }
    return false;
  }
  // Once all that is under way has come to something.
  void settle() {
    for (int i = 0; i < 20; ++i) rig->settle();
  }

  // Writes until the kernel takes no more, now and a while later; what it has taken. A kernel may
  // still find room behind that.
  std::string fill() {
    const std::string piece(64 * 1024, 'f');
    std::string taken;
    for (int refused = 0; refused < 3;) {
      const std::size_t size = write(piece);
      taken += piece.substr(0, size);
      refused = size > 0 ? 0 : refused + 1;
      if (size == 0) settle();
    }
    return taken;
  }
  std::string peer_receives_exactly(std::size_t size) {
    std::string received;
    for (int i = 0; i < 100'000 && received.size() < size; ++i) {
      received += rig->peer_receives(size - received.size());
      if (received.size() < size) rig->settle();
    }
    return received;
  }

  std::unique_ptr<StreamRig> rig;
  Observer observer;
  std::unique_ptr<ByteStream> stream;
};

// ---- Reading

TEST_P(ByteStreamContract, BytesArriveInOrderAndThenTheEndOnce) {
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    const std::string piece = std::to_string(i) + ' ';
    rig->peer_sends(piece);
    sent += piece;
  }
  rig->peer_ends();
  ASSERT_TRUE(settles([this] { return observer.ends > 0; }));
  settle();
  EXPECT_TRUE(is([&] { return observer.bytes == sent && observer.ends == 1; }));
  EXPECT_TRUE(is([&] { return observer.errors.empty(); }));
}

TEST_P(ByteStreamContract, AResetOfThePeerIsReportedOnce) {
  if (!rig->knows_resets()) GTEST_SKIP();
  rig->peer_sends("before");
  ASSERT_TRUE(settles([this] { return observer.bytes == "before"; }));
  rig->peer_resets();
  ASSERT_TRUE(settles([this] { return !observer.errors.empty(); }));
  settle();
  EXPECT_TRUE(is([&] { return observer.errors == std::vector{StreamError::reset}; }));
  EXPECT_TRUE(is([&] { return observer.ends == 0; }));
}

TEST_P(ByteStreamContract, PausedItDeliversOnceMoreAtMostAndLosesNothing) {
  rig->turn([this] { observer.on_bytes_do = [this] { stream->pause(); }; });
  rig->peer_sends("first ");
  ASSERT_TRUE(settles([this] { return observer.bytes == "first "; }));
  rig->peer_sends(std::string(100'000, 'x'));
  rig->peer_sends(" last");
  rig->peer_ends();
  settle();
  EXPECT_TRUE(is([this] { return observer.bytes.size() <= 6 + 128; }));
  EXPECT_TRUE(is([this] { return observer.ends == 0; }));
  rig->turn([this] { observer.on_bytes_do = nullptr; });
  call([this] { stream->resume(); });
  ASSERT_TRUE(settles([this] { return observer.ends == 1; }));
  EXPECT_TRUE(
      is([this] { return observer.bytes == "first " + std::string(100'000, 'x') + " last"; }));
}

TEST_P(ByteStreamContract, AProbeFindsWhatHadComeBeforeAWriteFailed) {
  if (!rig->knows_resets()) GTEST_SKIP();
  rig->turn([this] { observer.on_bytes_do = [this] { stream->pause(); }; });
  rig->peer_sends("a");
  ASSERT_TRUE(settles([this] { return observer.bytes == "a"; }));
  rig->peer_sends(" last words");
  rig->peer_resets();
  settle();
  write("too late");
  const std::array<Bytes, 1> pieces{"too late"};
  if (is([this] { return observer.errors.empty(); })) call([&] { stream->write_later(pieces); });
  ASSERT_TRUE(settles([this] { return observer.errors == std::vector{StreamError::reset}; }));
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.bytes == "a last words"; }));
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.silences == 1; }));
}

// ---- Probing

TEST_P(ByteStreamContract, AProbeAnswersSilenceWhereNothingHasArrived) {
  settle();
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.silences == 1; }));
  rig->peer_sends("later");
  ASSERT_TRUE(settles([this] { return observer.bytes == "later"; }));
  EXPECT_TRUE(is([this] { return observer.silences == 1; }));
}

TEST_P(ByteStreamContract, AProbeFindsBytesThatHaveJustArrived) {
  call([this] {
    rig->peer_sends("just now");
    stream->probe();
  });
  ASSERT_TRUE(settles([this] { return observer.bytes == "just now"; }));
  EXPECT_TRUE(is([this] { return observer.silences == 0; }));
}

TEST_P(ByteStreamContract, AProbeWorksWhilePaused) {
  rig->turn([this] { observer.on_bytes_do = [this] { stream->pause(); }; });
  rig->peer_sends("a");
  ASSERT_TRUE(settles([this] { return observer.bytes == "a"; }));
  rig->turn([this] { observer.on_bytes_do = nullptr; });
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.silences == 1; }));
  rig->peer_sends("b");
  settle();
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.bytes == "ab"; }));
  rig->peer_ends();
  settle();
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.ends == 1; }));
}

TEST_P(ByteStreamContract, AProbeBehindTheEndAnswersSilence) {
  rig->peer_ends();
  ASSERT_TRUE(settles([this] { return observer.ends == 1; }));
  call([this] { stream->probe(); });
  ASSERT_TRUE(settles([this] { return observer.silences == 1; }));
  EXPECT_TRUE(is([this] { return observer.ends == 1; }));
}

// ---- Writing

TEST_P(ByteStreamContract, PiecesAreWrittenInOrder) {
  call([this] {
    const std::array<Bytes, 4> pieces{Bytes("one "), Bytes(), Bytes("two "), Bytes("three")};
    EXPECT_EQ(13U, stream->write_some(pieces));
  });
  EXPECT_EQ("one two three", peer_receives_exactly(13));
  settle();
  EXPECT_TRUE(is([this] { return observer.written.empty(); }));
}

TEST_P(ByteStreamContract, WhatTheKernelRefusesIsWrittenLater) {
  std::string sent = fill();
  const std::string rest = "the rest of it";
  call([&] {
    const std::array<Bytes, 2> pieces{Bytes(rest).substr(0, 4), Bytes(rest).substr(4)};
    stream->write_later(pieces);
    EXPECT_EQ(0U, stream->write_some(pieces)) << "while a write is pending";
  });
  EXPECT_TRUE(peer_receives_exactly(sent.size()) == sent);
  ASSERT_TRUE(settles([this] { return observer.written.size() == 1; }));
  std::size_t size = 0;
  rig->turn([&] { size = observer.written.front(); });
  EXPECT_GT(size, 0U);
  EXPECT_EQ(rest.substr(0, size), peer_receives_exactly(size));
  EXPECT_EQ(4U, write("more"));
  EXPECT_EQ("more", peer_receives_exactly(4));
}

TEST_P(ByteStreamContract, WithoutPiecesItWaitsForRoom) {
  const std::string sent = fill();
  call([this] { stream->write_later({}); });
  EXPECT_TRUE(peer_receives_exactly(sent.size()) == sent);
  ASSERT_TRUE(settles([this] { return observer.written == std::vector<std::size_t>{0}; }));
  EXPECT_EQ(1U, write("x"));
}

TEST_P(ByteStreamContract, AProbeDoesNotEndAPendingWrite) {
  const std::string sent = fill();
  const std::string rest = "rest";
  call([&] {
    const std::array<Bytes, 1> pieces{Bytes(rest)};
    stream->write_later(pieces);
  });
  for (int i = 0; i < 5; ++i) {
    call([this] { stream->probe(); });
    settle();
  }
  EXPECT_TRUE(is([this] { return observer.silences == 5; }));
  EXPECT_TRUE(peer_receives_exactly(sent.size()) == sent);
  EXPECT_EQ("rest", peer_receives_exactly(4));
  EXPECT_TRUE(settles([this] { return observer.written == std::vector<std::size_t>{4}; }));
}

TEST_P(ByteStreamContract, ShutDownEndsOurSideOnly) {
  EXPECT_EQ(4U, write("last"));
  call([this] { stream->shut_down(); });
  EXPECT_EQ("last", peer_receives_exactly(4));
  EXPECT_TRUE(rig->peer_sees_end());
  rig->peer_sends("an answer");
  ASSERT_TRUE(settles([this] { return observer.bytes == "an answer"; }));
}

// ---- Halting, for those whose connection may go to another process

TEST_P(ByteStreamContract, HaltedItTouchesNothingBeforeItIsResumed) {
  if (is([this] { return stream->descriptor() < 0; })) return;
  settle();
  call([this] { stream->halt(); });
  ASSERT_TRUE(settles([this] { return observer.halts == 1; }));
  rig->peer_sends("later");
  settle();
  EXPECT_TRUE(is([this] { return observer.bytes.empty(); }));
  call([this] { stream->resume(); });
  ASSERT_TRUE(settles([this] { return observer.bytes == "later"; }));
  EXPECT_TRUE(is([this] { return observer.halts == 1 && observer.written.empty(); }));
}

TEST_P(ByteStreamContract, HaltedItTellsWhatAPendingWriteHasTaken) {
  if (is([this] { return stream->descriptor() < 0; })) return;
  const std::string sent = fill();
  const std::string rest = "the rest of it";
  call([&] {
    const std::array<Bytes, 1> pieces{Bytes(rest)};
    stream->write_later(pieces);
  });
  settle();
  call([this] { stream->halt(); });
  ASSERT_TRUE(settles([this] { return observer.halts == 1; }));
  std::string expected = sent;
  rig->turn([&] {
    ASSERT_EQ(1U, observer.written.size());
    expected += rest.substr(0, observer.written.front());
  });
  EXPECT_TRUE(peer_receives_exactly(expected.size()) == expected);
  settle();
  EXPECT_EQ("", rig->peer_receives(100));
  EXPECT_EQ(4U, write("more")) << "it may write again";
  EXPECT_EQ("more", peer_receives_exactly(4));
}

TEST_P(ByteStreamContract, BehindAnErrorNoHaltIsAnswered) {
  if (is([this] { return stream->descriptor() < 0; })) return;
  rig->peer_resets();
  ASSERT_TRUE(settles([this] { return observer.errors.size() + observer.ends > 0; }));
  if (is([this] { return observer.errors.empty(); })) return;
  EXPECT_TRUE(is([this] { return stream->descriptor() < 0; }));
  call([this] { stream->halt(); });
  settle();
  EXPECT_TRUE(is([this] { return observer.halts == 0; }));
}

// ---- The end

TEST_P(ByteStreamContract, TerminatedQuietlyWhatTheKernelTookStillArrives) {
  EXPECT_EQ(8U, write("the last"));
  call([this] { terminate(TerminateManner::quiet); });
  EXPECT_EQ("the last", peer_receives_exactly(8));
  EXPECT_TRUE(rig->peer_sees_end());
}

TEST_P(ByteStreamContract, TerminatedByResetThePeerSeesAReset) {
  if (!rig->knows_resets()) GTEST_SKIP();
  call([this] { terminate(TerminateManner::reset); });
  EXPECT_TRUE(rig->peer_sees_reset());
}

TEST_P(ByteStreamContract, ItFinishesOnceAndReportsNothingAfterwards) {
  call([this] {
    terminate(TerminateManner::quiet);
    EXPECT_EQ(0, observer.finishes) << "never within the call";
    const std::array<Bytes, 1> pieces{Bytes("ignored")};
    EXPECT_EQ(0U, stream->write_some(pieces));
    stream->write_later(pieces);
    stream->shut_down();
    stream->probe();
    stream->resume();
    stream->terminate(TerminateManner::reset);
  });
  ASSERT_TRUE(settles([this] { return observer.finishes > 0; }));
  settle();
  EXPECT_TRUE(is([this] { return observer.finishes == 1; }));
}

TEST_P(ByteStreamContract, ItFinishesWhileAReadAndAWriteArePending) {
  fill();
  settle();
  call([this] {
    const std::array<Bytes, 1> pieces{Bytes("never")};
    stream->write_later(pieces);
    terminate(TerminateManner::quiet);
    EXPECT_EQ(0, observer.finishes);
  });
  ASSERT_TRUE(settles([this] { return observer.finishes == 1; }));
  EXPECT_TRUE(is([this] { return observer.written.empty(); }));
}

TEST_P(ByteStreamContract, BehindTerminateOnlyOnFinishedFollows) {
  fill();
  call([this] {
    rig->peer_sends("unread");
    const std::array<Bytes, 1> pieces{Bytes("never")};
    stream->write_later(pieces);
    stream->probe();
    terminate(TerminateManner::quiet);
  });
  rig->peer_receives(64 * 1024);
  ASSERT_TRUE(settles([this] { return observer.finishes == 1; }));
}

TEST_P(ByteStreamContract, AResetThatHasComeIsNotReportedBehindTerminate) {
  rig->peer_resets();
  call([this] { terminate(TerminateManner::quiet); });
  ASSERT_TRUE(settles([this] { return observer.finishes == 1; }));
}

TEST_P(ByteStreamContract, TerminatedWithinADeliveryItDeliversNoMore) {
  rig->turn([this] { observer.on_bytes_do = [this] { terminate(TerminateManner::quiet); }; });
  rig->peer_sends("the only one");
  ASSERT_TRUE(settles([this] { return observer.finishes == 1; }));
  EXPECT_TRUE(is([this] { return observer.bytes == "the only one"; }));
}

}  // namespace fairlead
