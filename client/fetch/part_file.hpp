// A download on disk: `TARGET.part` and its side-car `TARGET.part.info` beside the target, until
// the file is complete and synced, and gets its name.
#pragma once

#include <memory>
#include <string>

#include "client/fetch/fetch_target.hpp"
#include "client/fetch/part_info.hpp"
#include "client/fetch/target_folder.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/time.hpp"

namespace fairlead {

// What to do if the target exists.
enum class IfExists : std::uint8_t { fail, skip, rename, overwrite };

// Follows no symbolic link, and touches only the target and the two files beside it. Locks the part
// (flock(2)) against other downloads.
class PartFile final : public FetchTarget {
 public:
  // `name` is one component, of any bytes. Creates nothing yet. Null: the target exists and is
  // skipped.
  static Result<std::unique_ptr<PartFile>> open(TargetFolder folder, const std::string& name,
                                                IfExists if_exists);
  ~PartFile() override;

  Leftover leftover() const override { return leftover_; }
  bool read(std::uint64_t offset, char* into, std::size_t size) override;
  std::uint64_t next_data(std::uint64_t offset) const override;
  std::string begin(const FileIdentity& identity) override;
  std::string write(std::uint64_t offset, Bytes bytes) override;
  std::string keep(std::uint64_t chunk) override;
  std::string finish() override;
  void leave() override;
  void discard() override;
  bool is_stream() const override { return false; }
  std::string stored_as() const override { return stored_as_; }

 private:
  PartFile(TargetFolder folder, std::string name, IfExists if_exists);

  std::string look_at_leftover();
  std::string take_part();
  std::string give_name();
  void save_info();
  std::string cannot(const std::string& what, const std::string& name) const;

  TargetFolder folder_;
  const std::string target_, part_name_, info_name_;
  const IfExists if_exists_;
  Descriptor part_;
  Leftover leftover_;
  PartInfo info_;
  TimePoint info_saved_at_{};
  std::string stored_as_;
};

}  // namespace fairlead
