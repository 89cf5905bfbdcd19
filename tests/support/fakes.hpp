// The world of a shard, as tests can look at it: logs, transcripts and files in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/log/log_sink.hpp"
#include "server/service/service_environment.hpp"
#include "tests/support/failing_allocations.hpp"

namespace fairlead {

// Keeps every event with its fields as text.
class CapturingLog final : public LogSink {
 public:
  struct Event {
    Level level;
    std::string name;
    std::map<std::string, std::string> fields;
  };

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    const AllocationsSucceed always;
    Event kept{level, std::string(event), {}};
    for (const Field& one : fields) kept.fields[std::string(one.name)] = text_of(one.value);
    events.push_back(std::move(kept));
  }
  bool enabled(Level) const noexcept override { return true; }

  std::vector<Event> events;

 private:
  static std::string text_of(const Field::Value& value) {
    if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
    if (const auto* number = std::get_if<double>(&value)) return std::to_string(*number);
    return std::get<bool>(value) ? "true" : "false";
  }
};

class CapturingTranscript final : public TranscriptSink {
 public:
  void print(std::string_view line) override { lines.emplace_back(line); }

  std::vector<std::string> lines;
};

// One root for every service; outlives the shard.
class MemoryFileRoots final : public FileRoots {
 public:
  struct Stored {
    std::string content;
    std::uint64_t announced_bytes = 0;  // the size when it was opened
    bool throws = false;                // opening it fails by an exception: a bug of ours
  };

  void add(const std::string& name, std::string content) {
    const std::uint64_t size = content.size();
    files_[name] = {std::move(content), size, false};
  }
  // A file that becomes shorter between its opening and its reading.
  void add_shrinking(const std::string& name, std::string content, std::uint64_t announced_bytes) {
    files_[name] = {std::move(content), announced_bytes, false};
  }
  void add_trap(const std::string& name) { files_[name] = {{}, 0, true}; }

  std::unique_ptr<FileRoot> root_for(const FileSettings&) override {
    return std::make_unique<Root>(files_);
  }

 private:
  class File final : public OpenFile {
   public:
    explicit File(const Stored& stored) : stored_(stored) {}
    std::uint64_t size_bytes() const noexcept override { return stored_.announced_bytes; }
    std::ptrdiff_t read_at(std::uint64_t offset, char* into, std::size_t size) override {
      if (offset >= stored_.content.size()) return 0;
      const std::size_t got = stored_.content.copy(into, size, static_cast<std::size_t>(offset));
      return static_cast<std::ptrdiff_t>(got);
    }

   private:
    const Stored& stored_;
  };

  class Root final : public FileRoot {
   public:
    explicit Root(const std::map<std::string, Stored>& files) : files_(files) {}
    std::unique_ptr<OpenFile> open(std::string_view name) override {
      const auto found = files_.find(std::string(name));
      if (found == files_.end()) return nullptr;
      if (found->second.throws) throw std::runtime_error("the disk is on fire");
      return std::make_unique<File>(found->second);
    }

   private:
    const std::map<std::string, Stored>& files_;
  };

  std::map<std::string, Stored> files_;
};

}  // namespace fairlead
