// A file that is being sent, on the shard's thread: only what is in memory is read here.
#pragma once

#include <atomic>
#include <memory>

#include "server/files/file_jobs.hpp"

namespace fairlead {

// Shared by the file and a read-ahead under way, which may outlive it.
struct DiskFileData {
  explicit DiskFileData(OpenedFile opened) : file(std::move(opened)) {}

  const OpenedFile file;
  // The range that the last read-ahead has brought into memory; empty: none.
  std::atomic<std::uint64_t> warm_from{0}, warm_to{0};
};

class DiskFile final : public OpenFile {
 public:
  // The log outlives it.
  DiskFile(OpenedFile opened, LogSink& log)
      : data_(std::make_shared<DiskFileData>(std::move(opened))), log_(log) {}

  const FileIdentity& identity() const noexcept override { return data_->file.identity; }
  bool is_unchanged() const override;
  ReadResult read_cached(std::uint64_t offset, char* into, std::size_t size) override;
  FilePart cached_part(std::uint64_t offset, std::size_t size) const override;

  const std::shared_ptr<DiskFileData>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<DiskFileData> data_;
  LogSink& log_;
};

// On the pool: has the kernel read the next MiB.
void read_ahead(DiskFileData& data, std::uint64_t offset);

}  // namespace fairlead
