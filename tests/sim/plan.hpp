// What one simulated client will do, and what it must hear: a model of the daemon, small and
// independent of its code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/protocol/close_reason.hpp"
#include "server/core/settings.hpp"
#include "tests/sim/dice.hpp"
#include "tests/support/client_frames.hpp"
#include "tests/support/memory_files.hpp"

namespace fairlead::sim {

enum class Manner : std::uint8_t {
  polite,       // says everything, waits for every reply, ends
  half_close,   // says everything, shuts its side down at once, then reads
  not_reading,  // says everything and reads nothing
  resetting,    // resets somewhere in the middle
  leaving,      // close(2) somewhere in the middle
  idle,         // says everything and stays
  stalling,     // begins one message more and drips without end
  silent,       // says nothing at all
  breaking,     // ends with bytes that its protocol does not allow
};

enum class Speaks : std::uint8_t { text, len32, framed };

struct Delivery {
  Duration after;  // the one before
  std::string bytes;
};

// How a reply stream is compared.
enum class Compare : std::uint8_t {
  exactly,
  without_line_ends  // `auto` text: a newline that comes after its message has ended is a lone one
};

struct Plan {
  Manner manner = Manner::polite;
  Speaks speaks = Speaks::text;
  std::size_t listener = 0;
  std::vector<Delivery> deliveries;
  // Where `deliveries` begins the message that stays unfinished; stalling clients only.
  std::size_t stalls_at = 0;

  bool reads_slowly = false;
  Duration read_every{};
  std::size_t read_bytes = 0;
  std::size_t kernel_bytes_max = SIZE_MAX;
  bool probe_answers_later = true;

  // When everything that it sends is answered:
  std::string expected;                           // text and len32
  std::vector<client::Received> expected_frames;  // framed, without the HELLO
  Compare compare = Compare::exactly;
  CloseReason ends_as = CloseReason::peer_closed;  // when nobody interferes
  bool is_download = false;
  Duration stays{};  // before it ends, when it has said everything
};

// The daemon of a seed: every service behind listeners of every protocol.
ServerSettings make_settings(Dice& dice);
void make_files(MemoryFileStores& files);

Plan make_plan(const ServerSettings& settings, const MemoryFileStores& files, Dice& dice);

}  // namespace fairlead::sim
