// Writes a fetched file to stdout, in order, and only verified bytes.
#pragma once

#include <map>
#include <string>

#include "client/cli/output.hpp"
#include "client/fetch/fetch_target.hpp"

namespace fairlead {

// Keeps the chunks that cannot be written yet; FileFetch bounds their number.
class StreamTarget final : public FetchTarget {
 public:
  enum class Release : std::uint8_t {
    verified,  // chunk by chunk, as each is known to be right
    at_once,   // from a server that has no hashes
  };
  StreamTarget(Output& out, Release show) : out_(out), release_(show) {}

  Leftover leftover() const override { return {}; }
  bool read(std::uint64_t, char*, std::size_t) override { return false; }
  std::string begin(const FileIdentity& identity) override;
  std::string write(std::uint64_t offset, Bytes bytes) override;
  std::string keep(std::uint64_t chunk) override;
  Sha256Digest digest() override { return hash_.finish(); }
  std::string finish() override { return problem(); }
  void leave() override {}
  void discard() override {}
  bool is_stream() const override { return true; }
  std::string stored_as() const override { return "stdout"; }
  bool has_shown() const override { return shown_bytes_ > 0; }

 private:
  struct Waiting {
    std::string bytes;
    bool is_right = false;
  };

  void show(Bytes bytes);
  std::string problem() const;

  Output& out_;
  Release release_;
  std::map<std::uint64_t, Waiting> waiting_;  // by chunk
  std::uint64_t shown_bytes_ = 0;
  Sha256 hash_;  // of these
};

}  // namespace fairlead
