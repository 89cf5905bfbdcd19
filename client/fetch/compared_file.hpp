// --if-exists update: a file that is here, compared with the server's hashes. Nothing is written.
#pragma once

#include <memory>
#include <string>

#include "client/fetch/fetch_target.hpp"
#include "client/fetch/target_folder.hpp"
#include "common/base/descriptor.hpp"

namespace fairlead {

class ComparedFile final : public FetchTarget {
 public:
  // Null: `name` is no regular file that can be read, so there is nothing to compare.
  static std::unique_ptr<ComparedFile> open(const TargetFolder& folder, const std::string& name);

  Leftover leftover() const override { return {.size = size_}; }
  bool read(std::uint64_t offset, char* into, std::size_t size) override;
  std::string begin(const FileIdentity&) override { return {}; }
  std::string write(std::uint64_t, Bytes) override { return "nothing is written here"; }
  std::string keep(std::uint64_t) override { return {}; }
  std::string finish() override { return {}; }
  std::string stored_as() const override { return {}; }
  void leave() override {}
  void discard() override {}
  bool only_compares() const override { return true; }
  bool is_stream() const override { return false; }

 private:
  ComparedFile(Descriptor file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  Descriptor file_;
  std::uint64_t size_;
};

}  // namespace fairlead
