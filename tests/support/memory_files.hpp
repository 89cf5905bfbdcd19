// Files in memory, and a disk that answers when a test says so.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "server/api/file_store.hpp"

namespace fairlead {

// One root for every service; outlives the shard. A name is a directory where another begins with
// it and a `/`.
class MemoryFileStores final : public FileStores {
 public:
  void add(const std::string& name, std::string content) {
    const std::uint64_t size = content.size();
    put(name, std::move(content), size);
  }
  // A file that becomes shorter between its opening and its reading.
  void add_shrinking(const std::string& name, std::string content, std::uint64_t announced_bytes) {
    put(name, std::move(content), announced_bytes);
  }
  // Opening it fails by an exception: a bug of ours.
  void add_trap(const std::string& name) { put(name, {}, 0).throws = true; }
  // Those that are being sent see it, too.
  void change(const std::string& name, std::string content);
  // Not in memory, but for what has been read ahead: this much at a time.
  void chill(const std::string& name, std::size_t read_ahead_bytes);

  FileIdentity identity(const std::string& name) const { return files_.at(name).identity; }

  // False: work waits until one of the below is called, within a turn of the shard.
  bool answers_at_once = true;
  // What has not been answered and not been given up.
  std::size_t waiting() const { return waiting_.size(); }
  void answer(std::size_t which);
  void answer_all() {
    while (!waiting_.empty()) answer(0);
  }
  // What comes from now on is refused: too much waits for the disk.
  bool is_busy = false;

  std::size_t downloads = 0;       // under way
  std::size_t downloads_max = 64;  // for all services
  std::size_t works = 0;           // asked for, in all
  std::size_t pieces_read = 0;     // by the daemon itself, in all
  // False: the kernel cannot tell what is in memory, so it is given nothing to send unread.
  bool lends = true;

  std::unique_ptr<FileStore> store_for(const FileSettings&) override;

 private:
  class Lent;
  struct Stored {
    std::string content;
    FileIdentity identity;
    bool throws = false;
    std::size_t cold_from = SIZE_MAX;  // what lies before has been read ahead
    std::size_t read_ahead_bytes = 0;
    std::shared_ptr<const Lent> lent{};  // null until the kernel is to read it
  };
  struct Waiting {
    std::uint64_t number;
    std::function<FileAnswer()> work;
    FileDone done;
  };
  class File;
  class Store;

  Stored& put(const std::string& name, std::string content, std::uint64_t announced_bytes);
  FileTask start(FileWork work, FileDone done);
  void give_up(std::uint64_t number);

  FileAnswer do_work(const OpenForReading& work);
  FileAnswer do_work(const StatFile& work);
  FileAnswer do_work(const ListDirectory& work);
  FileAnswer do_work(const HashFile& work);
  FileAnswer do_work(const ReadAhead& work);

  std::map<std::string, Stored> files_;
  std::deque<Waiting> waiting_;
  std::uint64_t last_ = 0;
  std::int64_t clock_ns_ = 1'000'000'000;
};

}  // namespace fairlead
