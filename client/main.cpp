// fairlead: the client.
#include "client/commands/command.hpp"

int main(int argc, char** argv) { return fairlead::run_fairlead({argv + 1, argv + argc}); }
