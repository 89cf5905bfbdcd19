#include "server/files/disk_error.hpp"

#include <cerrno>
#include <system_error>

namespace fairlead {

RequestError request_error_of(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case ENAMETOOLONG:
    case ELOOP:  // a symlink that is not followed, or a loop of them
    case EXDEV:  // leads out of the root
    case ENXIO:  // a socket, a FIFO, or a device that is not there
    case ENODEV:
    case EAGAIN:  // renamed again and again while the kernel looked
      return RequestError::no_such_file;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return RequestError::server_full;
    default:
      return RequestError::internal_error;
  }
}

RequestError report_disk_error(LogSink& log, const std::string& name, const char* doing,
                               int error) {
  const RequestError meaning = request_error_of(error);
  if (meaning == RequestError::internal_error)
    log.error("file failed", {field("name", name), field("doing", doing),
                              field("why", std::generic_category().message(error))});
  return meaning;
}

}  // namespace fairlead
