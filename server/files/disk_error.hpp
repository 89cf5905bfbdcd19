// What a failed call of the kernel means to whoever has asked for a file: one table for every call.
#pragma once

#include <string>

#include "common/log/log_sink.hpp"
#include "common/protocol/close_reason.hpp"

namespace fairlead {

// `error` is errno, read right behind the call.
//   no_such_file    there is none of that name, or it is forbidden; a client cannot tell which
//   server_full     this process or machine lacks descriptors or memory: says nothing of the file
//   internal_error  anything else: the disk, or what is between it and us, fails
RequestError request_error_of(int error) noexcept;

// The same. The last kind is no client's fault and no client can mend it, so it is an `error` line;
// the log counts those that repeat. `doing` is the call.
RequestError report_disk_error(LogSink& log, const std::string& name, const char* doing, int error);

}  // namespace fairlead
