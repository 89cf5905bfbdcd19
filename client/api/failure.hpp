// Why a conversation with a server could not begin, or how it ended.
#pragma once

#include <cstdint>
#include <string>

#include "common/protocol/close_reason.hpp"

namespace fairlead {

// Kinds of failure that a caller may want to tell apart.
enum class FailureKind : std::uint8_t {
  none,               // no failure: the server, or we, ended the connection in order
  name_not_resolved,  // the name of the server has no address
  refused,            // an address answered that no program listens there
  unreachable,        // no address could be connected to, for any other reason
  no_descriptor,      // this process, or this machine, may open no more
  connect_timeout,    // no connection within the time for it
  reset,              // the server's side broke it off
  vanished,           // the network lost the server
  broken,             // our side of the connection failed: ENOBUFS, EIO, ...
  cut_short,          // the server ended it in the middle of a message
  bad_protocol,       // the server sent what the protocol does not allow
  too_big,            // a message above our limit
  turned_away,        // a framed server said why it ends: see `told`
  request_refused,    // a framed server answered a request with ERROR: see `told`
};

// Why it failed: for a program, and for a person.
struct Failure {
  FailureKind kind = FailureKind::none;  // for a program
  CloseReason told = CloseReason::none;  // what a framed server gave as its reason
  std::string what = {};  // one sentence for a person, without full stop; may hold bytes of the
                          // server: escape it
  bool unsent = false;    // bytes of ours had not left yet
};

}  // namespace fairlead
