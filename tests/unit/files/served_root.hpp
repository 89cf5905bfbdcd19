// A root with files in it, and a secret beside it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/files/file_jobs.hpp"
#include "tests/support/fakes.hpp"

namespace fairlead {

struct ServedRootTest : testing::Test {
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fairlead-root-XXXXXX").string();
    base = ::mkdtemp(name.data());
    std::filesystem::create_directories(base / "root/sub");
    write("root/a.txt", "inside");
    write("root/sub/b.txt", "deeper");
    write("root/你好.txt", "名字");
    write("root/.hidden", "dot");
    write("secret.txt", "outside");
    std::filesystem::create_symlink(base / "secret.txt", base / "root/out");
    std::filesystem::create_symlink("a.txt", base / "root/in");
    std::filesystem::create_directory_symlink("sub", base / "root/inner");
    std::filesystem::create_directory_symlink(base, base / "root/up");
    ::mkfifo((base / "root/fifo").c_str(), 0600);
  }
  void TearDown() override { std::filesystem::remove_all(base); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(base / name, std::ios::binary) << text;
  }
  ServedRoot root() const {
    return {Descriptor(::open((base / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), rules,
            failures};
  }

  mutable CapturingLog failures;
  std::filesystem::path base;
  Confinement rules;
};

}  // namespace fairlead
