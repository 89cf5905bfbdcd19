// fairlead: the client.
#include "client/commands/command.hpp"
#include "common/base/background_thread.hpp"

int main(int argc, char** argv) {
  fairlead::take_signals_anew();
  return fairlead::run_fairlead({argv + 1, argv + argc});
}
