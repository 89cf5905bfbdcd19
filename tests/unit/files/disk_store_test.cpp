#include "server/files/disk_store.hpp"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "server/api/service_settings.hpp"
#include "tests/unit/files/served_root.hpp"

namespace fairlead {
namespace {

class RememberingLog final : public LogSink {
 public:
  void write(Level level, std::string_view event, std::span<const Field>) noexcept override {
    if (level >= Level::warn) warnings += std::string(event) + "\n";
  }
  bool enabled(Level) const noexcept override { return true; }
  std::string warnings;
};

// A shard's mailbox, emptied by the test's own thread.
class Mailbox {
 public:
  void post(std::function<void()> letter) {
    {
      const std::lock_guard lock(mutex_);
      letters_.push_back(std::move(letter));
    }
    some_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    some_.wait(lock, [this] { return !letters_.empty(); });
    const auto letter = std::move(letters_.front());
    letters_.pop_front();
    lock.unlock();
    letter();
  }

 private:
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::function<void()>> letters_;
};

class DiskStore : public ServedRootTest {
 protected:
  void SetUp() override {
    ServedRootTest::SetUp();
    share.pool.start();
    settings.service = "files";
    settings.root = (base / "root").string();
    settings.max_downloads = 2;
  }
  FileAnswer answer_to(FileStore& store, FileWork work) {
    std::optional<FileAnswer> answer;
    const FileTask task =
        store.start(std::move(work), [&](FileAnswer come) { answer = std::move(come); });
    while (!answer) mailbox.run_one();
    return std::move(*answer);
  }
  std::unique_ptr<OpenFile> opened(FileStore& store, const std::string& name) {
    return std::get<std::unique_ptr<OpenFile>>(answer_to(store, OpenForReading{name}));
  }

  RememberingLog log;
  Mailbox mailbox;
  FileShare share;
  DiskFileStores stores{share, log, [this](auto letter) { mailbox.post(std::move(letter)); }};
  FileSettings settings;
};

TEST_F(DiskStore, WithoutARootNothingIsServedAndAMissingOneIsReported) {
  settings.root = "";
  EXPECT_EQ(stores.store_for(settings), nullptr);
  EXPECT_EQ(log.warnings, "");
  settings.root = (base / "nowhere").string();
  const auto store = stores.store_for(settings);
  EXPECT_EQ(log.warnings, "file root not served\n");
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, ListDirectory{"", "", 0})),
            RequestError::no_such_file);
  EXPECT_EQ(log.warnings, "file root not served\n") << "once";
}

TEST_F(DiskStore, FollowsItsRootWhereverThePathLeads) {
  const auto names = [this](FileStore& store) {
    const FileAnswer answer = answer_to(store, ListDirectory{"", "", 0});
    std::string text;
    for (const FileEntry& entry : std::get<FileListing>(answer).entries) text += entry.name + " ";
    return text;
  };
  std::filesystem::create_directories(base / "one");
  std::filesystem::create_directories(base / "two");
  std::ofstream(base / "one" / "first") << "1";
  std::ofstream(base / "two" / "second") << "2";
  settings.root = (base / "current").string();
  const auto store = stores.store_for(settings);

  std::filesystem::create_directory_symlink("one", base / "current");
  EXPECT_EQ(names(*store), "first ") << "it has appeared";
  const auto file = opened(*store, "first");
  std::filesystem::create_directory_symlink("two", base / "next");
  std::filesystem::rename(base / "next", base / "current");
  EXPECT_EQ(names(*store), "second ") << "it was swapped";
  EXPECT_TRUE(file->is_unchanged()) << "what was opened before goes on";

  std::filesystem::remove(base / "current");
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, StatFile{"second"})),
            RequestError::no_such_file);
  std::filesystem::create_directories(base / "current");
  EXPECT_EQ(names(*store), "");
  EXPECT_EQ(log.warnings,
            "file root not served\nfile root served again\n"
            "file root not served\nfile root served again\n");
}

// A name as a Chinese Windows writes it: what a GBK client asks for is looked for in UTF-8 first.
TEST_F(DiskStore, FindsANameThatIsNotUtf8ByItsBytes) {
  const std::string bytes = "\xCE\xC4\xBC\xFE";
  std::ofstream(base / "root" / bytes) << "gbk";
  const auto store = stores.store_for(settings);
  EXPECT_EQ(
      std::get<std::unique_ptr<OpenFile>>(answer_to(*store, OpenForReading{"\u6587\u4ef6", bytes}))
          ->identity()
          .size,
      3U);
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, OpenForReading{bytes})),
            RequestError::no_such_file);
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, OpenForReading{"\u6587", "../secret.txt"})),
            RequestError::no_such_file);
  answer_to(*store, ListDirectory{"", "", 0});
  EXPECT_EQ(log.warnings, "file names left out\n");
}

TEST_F(DiskStore, AnswersInATurnOfTheShard) {
  const auto store = stores.store_for(settings);
  EXPECT_EQ(std::get<FileStatus>(answer_to(*store, StatFile{"a.txt"})).identity.size, 6U);
  EXPECT_EQ(std::get<FileListing>(answer_to(*store, ListDirectory{"sub", "", 0})).entries.size(),
            1U);
  EXPECT_EQ(std::get<FileHashes>(answer_to(*store, HashFile{"a.txt", {}, 0, 0, 1})).chunks.size(),
            1U);
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, OpenForReading{"../secret.txt"})),
            RequestError::no_such_file);
}

TEST_F(DiskStore, ReadsWhatIsInMemoryAndSeesTheEnd) {
  const auto store = stores.store_for(settings);
  const auto file = opened(*store, "a.txt");
  char into[8];
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, ReadAhead{*file, 0})), RequestError::none);
  const auto read = file->read_cached(2, into, sizeof into);
  ASSERT_EQ(read.status, OpenFile::ReadStatus::ok);
  EXPECT_EQ(std::string_view(into, read.size), "side");
  answer_to(*store, ReadAhead{*file, 6});
  EXPECT_EQ(file->read_cached(6, into, sizeof into).status, OpenFile::ReadStatus::end_of_file);
}

TEST_F(DiskStore, OffersTheKernelWhatIsInMemoryUpToTheEndOfTheFile) {
  const auto store = stores.store_for(settings);
  const auto file = opened(*store, "a.txt");
  const FilePart part = file->cached_part(2, 4);
  if (part.size == 0) GTEST_SKIP() << "the file system here does not tell what is in memory";
  EXPECT_EQ(part.size, 4U);
  char into[4];
  ASSERT_EQ(4, ::pread(part.descriptor, into, sizeof into, static_cast<off_t>(part.offset)));
  EXPECT_EQ(std::string_view(into, sizeof into), "side");
  EXPECT_EQ(file->cached_part(6, 4).size, 0U) << "there is nothing behind the end";
}

TEST_F(DiskStore, SeesEveryChangeOfAFileThatIsOpen) {
  const auto store = stores.store_for(settings);
  write("root/replaced", "one");
  const auto replaced = opened(*store, "replaced");
  const auto appended = opened(*store, "a.txt");
  EXPECT_TRUE(replaced->is_unchanged());
  write("root/new", "two");
  std::filesystem::rename(base / "root/new", base / "root/replaced");
  EXPECT_FALSE(replaced->is_unchanged());
  std::ofstream(base / "root/a.txt", std::ios::app) << "x";
  EXPECT_FALSE(appended->is_unchanged());
}

TEST_F(DiskStore, WhatIsGivenUpIsNeverAnswered) {
  const auto store = stores.store_for(settings);
  bool answered = false;
  {
    const FileTask task = store->start(StatFile{"a.txt"}, [&](FileAnswer) { answered = true; });
  }
  answer_to(*store, StatFile{"a.txt"});  // answers come in any order, but on this thread
  share.pool.stop();
  EXPECT_FALSE(answered);
}

TEST_F(DiskStore, OnceThePoolHasStoppedItIsFull) {
  const auto store = stores.store_for(settings);
  share.pool.stop();
  EXPECT_EQ(std::get<RequestError>(answer_to(*store, StatFile{"a.txt"})),
            RequestError::server_full);
}

TEST_F(DiskStore, CountsDownloadsOfAServiceOverAllShards) {
  const auto here = stores.store_for(settings);
  const auto there = stores.store_for(settings);
  const auto first = here->begin_download();
  auto second = there->begin_download();
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(here->begin_download(), nullptr);
  second.reset();
  EXPECT_NE(here->begin_download(), nullptr);
}

// A reload has other settings for the same service, and downloads that began before go on.
TEST_F(DiskStore, CountsDownloadsByTheNameOfTheServiceAndNotByItsSettings) {
  const auto before = stores.store_for(settings);
  const auto first = before->begin_download();
  const FileSettings reloaded = settings;
  const auto after = stores.store_for(reloaded);
  const auto second = after->begin_download();
  EXPECT_EQ(after->begin_download(), nullptr);
  FileSettings other = settings;
  other.service = "other";
  EXPECT_NE(stores.store_for(other)->begin_download(), nullptr);
}

// Jobs of a pool, and what they tell the test. Declared before the pool that runs them.
class Jobs {
 public:
  ~Jobs() { let_end(); }

  // Runs until let_end().
  FilePool::Job endless() {
    return [this] {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return may_end_; });
      return false;
    };
  }
  // Wants turn after turn until let_end().
  FilePool::Job restless() {
    return [this] {
      const std::lock_guard lock(mutex_);
      return !may_end_;
    };
  }
  FilePool::Job counted() {
    return [this] {
      const std::lock_guard lock(mutex_);
      ++done_;
      changed_.notify_all();
      return false;
    };
  }
  void let_end() {
    const std::lock_guard lock(mutex_);
    may_end_ = true;
    changed_.notify_all();
  }
  // False: not within a minute, which is far beyond what it takes.
  bool wait_until_done(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return done_ >= count; });
  }
  int done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool may_end_ = false;
  int done_ = 0;
};

struct FilePoolTest : testing::Test {
  FilePoolTest() { pool.start(); }
  ~FilePoolTest() override {
    jobs.let_end();
    pool.stop();
  }

  Jobs jobs;
  FilePool pool;
};

TEST_F(FilePoolTest, NamesDoNotWaitForHashes) {
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(pool.submit(FilePool::Length::takes_long, jobs.endless()));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pool.submit(FilePool::Length::quick, jobs.counted()));
  EXPECT_TRUE(jobs.wait_until_done(100));
}

TEST_F(FilePoolTest, AShortJobDoesNotWaitForTheEndOfLongOnes) {
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(pool.submit(FilePool::Length::takes_long, jobs.restless()));
  EXPECT_TRUE(pool.submit(FilePool::Length::takes_long, jobs.counted()));
  EXPECT_TRUE(jobs.wait_until_done(1));
}

TEST_F(FilePoolTest, RefusesWhatIsBeyondItsQueueAndTakesMoreWhenThatIsShorter) {
  int taken = 0;
  while (pool.submit(FilePool::Length::takes_long, jobs.endless())) ++taken;
  EXPECT_EQ(taken, 256);
  jobs.let_end();
  // The queue is in order, so it is empty when this one has been done.
  while (!pool.submit(FilePool::Length::takes_long, jobs.counted())) std::this_thread::yield();
  EXPECT_TRUE(jobs.wait_until_done(1));
}

TEST(FilePool, RefusesJobsBeforeItHasStarted) {
  FilePool pool;
  EXPECT_FALSE(pool.submit(FilePool::Length::quick, [] { return false; }));
}

}  // namespace
}  // namespace fairlead
