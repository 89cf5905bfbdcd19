// A download on disk: `TARGET.part` and its side-car `TARGET.part.info` beside the target, until
// the file is complete and synced, and gets its name.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/fetch/disk_space.hpp"
#include "client/fetch/fetch_target.hpp"
#include "client/fetch/part_info.hpp"
#include "client/fetch/target_folder.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/time.hpp"
#include "common/hash/sha256.hpp"

namespace fairlead {

// What to do if the target exists. update: as overwrite, and begins with what it holds.
enum class IfExists : std::uint8_t { fail, skip, rename, overwrite, update };

// How a file is stored.
struct Storing {
  IfExists if_exists = IfExists::fail;
  bool resumes = true;      // begins with what an earlier attempt has left, and leaves as much
  bool syncs = true;        // waits for the disk before the file gets its name
  bool hashes = false;      // digest() is asked for
  bool keeps_time = false;  // the file has the time of the server's
};

// Follows no symbolic link, and touches only the target and the files beside it. Only a regular
// file is replaced; it passes on its mode, and its owner where that is allowed.
//
// The name is given to the descriptor that was written (named_file.hpp), whatever happens to the
// names meanwhile. Two processes never write into one file: `TARGET.part` is locked (flock(2)), and
// where locks say nothing, or nothing is resumed, the part has a name that only this process knows.
// Where other machines may store, of which a lock may know nothing, it has a name that only this
// machine uses, and what another one has left is taken by being renamed, which only one can do.
class PartFile final : public FetchTarget {
 public:
  // `name` is one component, of any bytes. Creates nothing yet, but for update. Null: the target
  // exists and is skipped.
  static Result<std::unique_ptr<PartFile>> open(TargetFolder folder, const std::string& name,
                                                const Storing& storing);
  ~PartFile() override;

  Leftover leftover() const override { return leftover_; }
  bool read(std::uint64_t offset, char* into, std::size_t size) override;
  std::uint64_t next_data(std::uint64_t offset) const override;
  std::string begin(const FileIdentity& identity) override;
  std::string write(std::uint64_t offset, Bytes bytes) override;
  std::string keep(std::uint64_t chunk) override;
  Sha256Digest digest() override;
  std::string finish() override;
  void leave() override;
  void discard() override;
  bool is_stream() const override { return false; }
  std::string stored_as() const override { return stored_as_; }

 private:
  PartFile(TargetFolder folder, std::string name, const Storing& storing);

  std::string look_at_target(bool& is_skipped) const;
  std::string look_at_leftover();
  bool open_part();
  std::string take_part();
  std::string make_part();
  void take_own();
  std::string begin_with_target();
  bool replaces() const noexcept {
    return storing_.if_exists == IfExists::overwrite || storing_.if_exists == IfExists::update;
  }
  void make_private() const;
  void take_over_mode();
  bool hash_on();
  bool set_time();
  std::string give_name();
  void save_info();
  bool is_ours() const;
  std::string has_gone() const;
  std::string cannot(const std::string& what, const std::string& name) const;

  TargetFolder folder_;
  const std::string target_, common_name_, info_name_;
  const std::string found_name_;  // what this machine looks for: common_name_, or one of its own
  std::string part_name_;         // found_name_, or one of this process's own
  const Storing storing_;
  Descriptor part_;
  Descriptor old_;  // update, without a part: the target; what is read of it is stored in the part
  Leftover leftover_;
  PartInfo info_;
  TimePoint info_saved_at_{};
  DiskSpace::Claim space_;
  std::uint64_t hashed_chunks_ = 0;
  Sha256 hash_;  // of these
  std::optional<Sha256Digest> digest_;
  std::string stored_as_;
};

}  // namespace fairlead
