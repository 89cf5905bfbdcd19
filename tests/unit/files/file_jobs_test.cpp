#include "common/hash/sha256.hpp"
#include "common/protocol/limits.hpp"
#include "server/files/directory_listing.hpp"
#include "server/files/file_hashing.hpp"
#include "tests/unit/files/served_root.hpp"

namespace fairlead {
namespace {

constexpr std::int64_t kLater = std::int64_t{1} << 62;

class FileJobs : public ServedRootTest {
 protected:
  // The content, or "-" where nothing is served.
  std::string get(const std::string& name) {
    const auto file = open_file(root(), name);
    if (!file) return "-";
    std::string content(static_cast<std::size_t>(file->identity.size), '\0');
    const auto got = ::pread(file->descriptor.get(), content.data(), content.size(), 0);
    return got == static_cast<std::ptrdiff_t>(content.size()) ? content : "short";
  }
  // "file", "directory", or "-".
  std::string look(const std::string& name) {
    const FileAnswer answer = stat_file(root(), StatFile{name});
    const auto* status = std::get_if<FileStatus>(&answer);
    if (status == nullptr) {
      EXPECT_EQ(std::get<RequestError>(answer), RequestError::no_such_file);
      return "-";
    }
    return status->kind == FileKind::file ? "file" : "directory";
  }
  FileAnswer answer_to(const ListDirectory& work, std::size_t names_bytes_max) {
    DirectoryListing listing(
        std::make_shared<const ServedRoot>(root()), names, work, [] { return kLater; },
        names_bytes_max);
    for (steps = 1;; ++steps)
      if (auto answer = listing.step()) return std::move(*answer);
  }
  FileListing list(const ListDirectory& work) {
    const FileAnswer answer = answer_to(work, DirectoryListing::kNamesBytesMax);
    if (const auto* listing = std::get_if<FileListing>(&answer)) return *listing;
    EXPECT_EQ(std::get<RequestError>(answer), RequestError::no_such_file);
    return {false, {{FileKind::file, 0, 0, "-"}}};
  }
  static std::string names_of(const FileListing& listing) {
    std::string all;
    for (const FileEntry& entry : listing.entries)
      all += entry.name + (entry.kind == FileKind::directory ? "/ " : " ");
    return all + (listing.more ? "..." : "");
  }
  FileAnswer hash(const HashFile& work, std::int64_t now_ns = kLater) {
    FileHashing hashing(std::make_shared<const ServedRoot>(root()), cache, work, [this, now_ns] {
      ++readings;
      return now_ns;
    });
    for (steps = 1;; ++steps)
      if (auto answer = hashing.step()) return std::move(*answer);
  }

  HashCache cache{1 << 20};
  NamesCache names{1 << 20};
  int steps = 0;     // of the last hash() or list()
  int readings = 0;  // of whole files
};

TEST(FileIdentityOf, KeepsTimesThatDoNotFitWithinTheirRange) {
  struct stat status {};
  status.st_mtim.tv_sec = 10'000'000'000;  // the year 2286
  EXPECT_EQ(identity_of(status).mtime_ns, std::numeric_limits<std::int64_t>::max());
  status.st_mtim.tv_sec = -10'000'000'000;
  EXPECT_EQ(identity_of(status).mtime_ns, -std::numeric_limits<std::int64_t>::max());
  status.st_mtim = {-1, 5};
  EXPECT_EQ(identity_of(status).mtime_ns, -999'999'995);
}

TEST_F(FileJobs, ServeRegularFilesBelowTheRoot) {
  EXPECT_EQ(get("a.txt"), "inside");
  EXPECT_EQ(get("sub/b.txt"), "deeper");
  EXPECT_EQ(get("你好.txt"), "名字");
  EXPECT_EQ(look("a.txt"), "file");
  EXPECT_EQ(look("sub"), "directory");
  EXPECT_EQ(look(""), "directory");
}

TEST_F(FileJobs, ServeNothingElse) {
  const std::vector<std::string> hostile = {"/",
                                            ".",
                                            "..",
                                            "sub/",
                                            "missing",
                                            "../secret.txt",
                                            "sub/../../secret.txt",
                                            "sub/../a.txt",
                                            "./a.txt",
                                            "sub//b.txt",
                                            "/etc/hostname",
                                            "a.txt/",
                                            "fifo",
                                            "out",
                                            "up/secret.txt",
                                            "inner/b.txt",
                                            "a.txt\n",
                                            "%2e%2e/secret.txt",
                                            "..\\secret.txt",
                                            "\xc0\xae\xc0\xae/secret.txt",
                                            "a.txt\xff",
                                            std::string("a.txt\0b", 7),
                                            std::string(300, 'x'),
                                            std::string(100'000, 'x')};
  for (const std::string& name : hostile) {
    EXPECT_EQ(get(name), "-") << name;
    EXPECT_EQ(look(name), "-") << name;
    EXPECT_EQ(names_of(list({name, "", 0})), "- ") << name;
    EXPECT_EQ(std::get<RequestError>(hash({name, {}, 0, 0, 1})), RequestError::no_such_file)
        << name;
  }
  EXPECT_EQ(get(""), "-");
  EXPECT_EQ(get("sub"), "-");
}

TEST_F(FileJobs, FollowSymlinksOnlyWhenAskedAndOnlyInside) {
  EXPECT_EQ(get("in"), "-");
  rules.symlinks = true;
  EXPECT_EQ(get("in"), "inside");
  EXPECT_EQ(get("inner/b.txt"), "deeper");
  EXPECT_EQ(get("out"), "-");
  EXPECT_EQ(get("up/secret.txt"), "-");
  EXPECT_EQ(look("up"), "-");
}

TEST_F(FileJobs, HideDotFilesUnlessTold) {
  EXPECT_EQ(get(".hidden"), "-");
  rules.hidden = true;
  EXPECT_EQ(get(".hidden"), "dot");
  EXPECT_EQ(get("../secret.txt"), "-");
}

TEST_F(FileJobs, ListWhatMayBeFetchedInTheOrderOfBytes) {
  EXPECT_EQ(names_of(list({"", "", 0})), "a.txt sub/ 你好.txt ");
  EXPECT_EQ(names_of(list({"sub", "", 0})), "b.txt ");
  EXPECT_EQ(list({"", "", 0}).entries[0].size, 6U);
  rules.hidden = true;
  EXPECT_EQ(names_of(list({"", "", 0})), ".hidden a.txt sub/ 你好.txt ");
  rules.symlinks = true;
  EXPECT_EQ(names_of(list({"", "", 0})), ".hidden a.txt in inner/ sub/ 你好.txt ");
  write(std::string("root/not\xffutf8"), "x");
  EXPECT_EQ(names_of(list({"", "in", 1})), "inner/ ...");
  EXPECT_EQ(names_of(list({"a.txt", "", 0})), "- ") << "no directory";
}

TEST_F(FileJobs, ListNoLinkToADirectoryThatItIsIn) {
  rules.symlinks = true;
  std::filesystem::create_directories(base / "root/d/e");
  const auto link = [this](const char* to, const char* name) {
    std::filesystem::create_directory_symlink(to, base / "root" / name);
  };
  link(".", "d/self");
  link("../d", "d/up");
  link("..", "d/root");
  link("../../d", "d/e/above");
  link("../../sub", "d/e/beside");
  link("../d", "sub/d");
  EXPECT_EQ(names_of(list({"d", "", 0})), "e/ ");
  EXPECT_EQ(names_of(list({"d/e", "", 0})), "beside/ ");
  EXPECT_EQ(names_of(list({"sub", "", 0})), "b.txt d/ ");
  EXPECT_EQ(names_of(list({"sub/d/e", "", 0})), "") << "both are on the way to it";
  EXPECT_EQ(names_of(list({"d/self/e", "", 0})), "beside/ ") << "by its name it is there";
}

TEST_F(FileJobs, PagesFitTogetherHoweverFewNamesAreKept) {
  for (int i = 0; i < 300; ++i)
    write("root/sub/" + std::string(static_cast<std::size_t>(1 + i % 250), 'n') + std::to_string(i),
          "x");
  for (const std::size_t names_bytes_max : {DirectoryListing::kNamesBytesMax, std::size_t{1000}}) {
    for (const std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
      std::vector<std::string> seen;
      FileListing page;
      do {
        page = std::get<FileListing>(
            answer_to({"sub", seen.empty() ? "" : seen.back(), most}, names_bytes_max));
        ASSERT_FALSE(page.entries.empty());
        std::string payload;
        append_payload(payload, page);
        EXPECT_LE(payload.size(), kFilePageBytesMax + 3);
        if (most != 0) {
          EXPECT_LE(page.entries.size(), most);
        }
        for (const FileEntry& entry : page.entries) seen.push_back(entry.name);
      } while (page.more);
      EXPECT_EQ(seen.size(), 301U);
      EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    }
  }
}

TEST_F(FileJobs, NamesAreReadASliceAtATimeAndOnceForAllPages) {
  constexpr std::size_t kEntries = 2 * DirectoryListing::kSliceEntries;
  for (std::size_t i = 0; i < kEntries; ++i) write("root/sub/" + std::to_string(i), "");
  const std::string last = list({"sub", "", 0}).entries.back().name;
  EXPECT_EQ(steps, 4) << "three for the names, one for the page";
  EXPECT_TRUE(list({"sub", last, 0}).more);
  EXPECT_EQ(steps, 1);
}

TEST_F(FileJobs, NamesAreReadAgainWhenTheDirectoryHasChanged) {
  EXPECT_EQ(names_of(list({"sub", "", 0})), "b.txt ");
  const auto identity = [this] {
    return std::get<FileStatus>(stat_file(root(), {"sub"})).identity;
  };
  const FileIdentity before = identity();
  while (identity() == before) {  // its clock goes by ticks
    std::filesystem::remove(base / "root/sub/c.txt");
    write("root/sub/c.txt", "");
  }
  EXPECT_EQ(names_of(list({"sub", "", 0})), "b.txt c.txt ");
}

TEST_F(FileJobs, HashTheWholeAndEveryChunk) {
  const std::string content = std::string(kFileChunkBytes, 'x') + "rest";
  write("root/big", content);
  const auto hashes = std::get<FileHashes>(hash({"big", {}, 0, 0, 1}));
  Sha256 expected;
  expected.update(content);
  EXPECT_EQ(hashes.whole, expected.finish());
  ASSERT_EQ(hashes.chunks.size(), 2U);
  expected.update("rest");
  EXPECT_EQ(hashes.chunks[1], expected.finish());
  EXPECT_EQ(hashes.identity.size, content.size());

  EXPECT_EQ(std::get<FileHashes>(hash({"big", {}, 1, 5, 1})).chunks.size(), 1U);
  EXPECT_EQ(std::get<FileHashes>(hash({"big", {}, 0, 1, 1})).chunks.size(), 1U);
  EXPECT_EQ(std::get<FileHashes>(hash({"big", {}, ~0ULL, 5, 1})).chunks.size(), 0U);
  write("root/empty", "");
  EXPECT_EQ(std::get<FileHashes>(hash({"empty", {}, 0, 0, 1})).chunks.size(), 0U);
}

TEST_F(FileJobs, HashesAreKeptOnceTheFileIsSettled) {
  const FileIdentity identity = open_file(root(), "a.txt")->identity;
  hash({"a.txt", {}, 0, 0, 1}, identity.ctime_ns + 1'999'999'999);
  EXPECT_EQ(cache.find(identity), nullptr);
  hash({"a.txt", {}, 0, 0, 1}, identity.ctime_ns + 2'000'000'000);
  EXPECT_NE(cache.find(identity), nullptr);
  hash({"sub/b.txt", {}, 0, 0, 1}, 0);
  EXPECT_EQ(cache.find(open_file(root(), "sub/b.txt")->identity), nullptr) << "from the future";
}

TEST_F(FileJobs, AllPagesOfAYoungFileAreOfOneReadingForWhoAskedForTheFirst) {
  write("root/young", std::string(3 * kFileChunkBytes, 'x'));
  const auto page = [this](std::uint64_t first, std::uint64_t reader) {
    const auto hashes = std::get<FileHashes>(hash({"young", {}, first, 1, reader}, 0));
    EXPECT_EQ(hashes.chunks.size(), 1U);
    return std::exchange(readings, 0);
  };
  EXPECT_EQ(page(0, 7), 1);
  EXPECT_EQ(page(1, 7), 0);
  EXPECT_EQ(page(2, 7), 0);
  EXPECT_EQ(page(0, 7), 1) << "asked for anew, it may have changed";
  EXPECT_EQ(page(1, 8), 1) << "somebody else";
  EXPECT_EQ(page(2, 9), 1);
  EXPECT_EQ(page(2, 9), 1) << "no page follows the last, so nothing was kept";
  write("root/young", std::string(2 * kFileChunkBytes + 1, 'x'));
  EXPECT_EQ(page(1, 7), 1) << "another version";
}

TEST_F(FileJobs, HashesOfAnotherVersionAreRefused) {
  FileIdentity identity = open_file(root(), "a.txt")->identity;
  EXPECT_TRUE(std::holds_alternative<FileHashes>(hash({"a.txt", identity, 0, 0, 1})));
  ++identity.ctime_ns;
  EXPECT_EQ(std::get<RequestError>(hash({"a.txt", identity, 0, 0, 1})), RequestError::file_changed);
}

TEST_F(FileJobs, HashAFileASliceAtATime) {
  write("root/large", std::string(2 * FileHashing::kSliceBytes + 1, 'x'));
  EXPECT_TRUE(std::holds_alternative<FileHashes>(hash({"large", {}, 0, 0, 1})));
  EXPECT_EQ(steps, 3);
  EXPECT_TRUE(std::holds_alternative<FileHashes>(hash({"large", {}, 0, 0, 1})));
  EXPECT_EQ(steps, 1) << "they are known";
}

TEST(HashCache, KeepsWhatWasUsedLast) {
  const auto hashed = [](std::uint64_t inode) {
    auto one = std::make_shared<HashedFile>();
    one->identity.inode = inode;
    return one;
  };
  HashCache cache(3 * hashed(0)->bytes());
  for (std::uint64_t inode = 1; inode <= 3; ++inode) cache.put(hashed(inode));
  EXPECT_NE(cache.find({.inode = 1}), nullptr);
  cache.put(hashed(4));
  EXPECT_EQ(cache.find({.inode = 2}), nullptr);
  for (const std::uint64_t inode : {1, 3, 4}) EXPECT_NE(cache.find({.inode = inode}), nullptr);
  auto large = hashed(5);
  large->chunks.resize(1000);
  cache.put(large);
  EXPECT_EQ(cache.find({.inode = 5}), nullptr);
  EXPECT_NE(cache.find({.inode = 4}), nullptr);
}

TEST(HashCache, KeepsTheLastReadingAndTellsWhatOneReaderKnowsToNobodyElse) {
  HashCache cache{1 << 20};
  NamesCache names{1 << 20};
  const FileIdentity identity{.inode = 1};
  const auto first = std::make_shared<HashedFile>(HashedFile{.identity = identity, .chunks = {}});
  const auto second = std::make_shared<HashedFile>(*first);
  cache.put(first, 5);
  EXPECT_EQ(cache.find(identity, 5), first);
  cache.put(second, 5);
  EXPECT_EQ(cache.find(identity, 5), second);
  EXPECT_EQ(cache.find(identity, 6), nullptr);
  EXPECT_EQ(cache.find(identity), nullptr);
}

TEST(Beneath, ThisKernelCanConfine) { EXPECT_EQ("", why_not_confined()); }

}  // namespace
}  // namespace fairlead
