#include "server/files/root_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "server/files/disk_error.hpp"

namespace fairlead {

// An inode that is open keeps its number, so another folder has another one.
tl::expected<std::shared_ptr<const ServedRoot>, RequestError> RootFolder::now() {
  struct stat wanted {
  }, opened{};
  const int error = ::stat(path_.c_str(), &wanted) == 0 ? 0 : errno;
  const std::lock_guard lock(mutex_);
  if (error != 0) return tl::unexpected(refuse(error));
  const bool is_same = root_ && ::fstat(root_->descriptor.get(), &opened) == 0 &&
                       wanted.st_dev == opened.st_dev && wanted.st_ino == opened.st_ino;
  if (!is_same) {
    Descriptor folder(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return tl::unexpected(refuse(errno));
    root_ = std::make_shared<const ServedRoot>(ServedRoot{std::move(folder), rules_, log_});
  }
  if (std::exchange(is_reported_, false))
    log_.warn("file root served again", {field("root", path_)});
  return root_;
}

RequestError RootFolder::refuse(int error) {
  const RequestError meaning = request_error_of(error);
  if (meaning == RequestError::server_full) return meaning;  // of descriptors or memory
  root_.reset();
  if (!std::exchange(is_reported_, true))
    log_.warn("file root not served",
              {field("root", path_), field("why", std::generic_category().message(error))});
  return meaning;
}

}  // namespace fairlead
