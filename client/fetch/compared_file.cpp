#include "client/fetch/compared_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "client/fetch/named_file.hpp"

namespace fairlead {

std::unique_ptr<ComparedFile> ComparedFile::open(const TargetFolder& folder,
                                                 const std::string& name) {
  Descriptor file = open_regular(folder.descriptor(), name, O_RDONLY);
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0) return nullptr;
  return std::unique_ptr<ComparedFile>(
      new ComparedFile(std::move(file), static_cast<std::uint64_t>(found.st_size)));
}

bool ComparedFile::read(std::uint64_t offset, char* into, std::size_t size) {
  return read_all(file_.get(), into, size, offset);
}

}  // namespace fairlead
