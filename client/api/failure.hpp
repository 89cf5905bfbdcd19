// Why a conversation with a server could not begin, or how it ended.
#pragma once

#include <cstdint>
#include <string>

#include "common/protocol/close_reason.hpp"

namespace fairlead {

enum class FailureKind : std::uint8_t {
  none,               // the server, or we, ended it in order
  name_not_resolved,  //
  refused,            // an address answered that nobody listens there
  unreachable,        // no address could be connected to, for any other reason
  no_descriptor,      // this process, or this machine, may open no more
  connect_timeout,    //
  reset,              // the server's side broke it off
  vanished,           // the network lost the server
  broken,             // our side of the connection failed: ENOBUFS, EIO, ...
  cut_short,          // the server ended it in the middle of a message
  bad_protocol,       // the server sent what the protocol does not allow
  too_big,            // a message above our limit
  turned_away,        // a framed server said why it ends: see `told`
  request_refused,    // a framed server answered a request with ERROR: see `told`
};

struct Failure {
  FailureKind kind = FailureKind::none;
  CloseReason told = CloseReason::none;  // what a framed server gave as its reason
  std::string what = {};  // one sentence for a person, without full stop; may hold bytes of the
                          // server: escape it
  bool unsent = false;    // bytes of ours had not left yet
};

}  // namespace fairlead
