#include "common/protocol/file_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

TEST(FileName, AComponentIsOneNameInADirectory) {
  for (const std::string& good :
       {std::string("a"), std::string("..."), std::string(".hidden"), std::string("a\\b"),
        std::string("好的.txt"), std::string(255, 'x'), std::string("a\nb")})
    EXPECT_TRUE(is_file_component(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("a\0b", 3), std::string("\0", 1), std::string("\xff"), std::string("\xc0\xae"),
        std::string(256, 'x')})
    EXPECT_FALSE(is_file_component(bad)) << bad;
}

TEST(FileName, IsComponentsWithSlashesBetween) {
  for (const char* good : {"a", "a/b", "好/的", "a/.b/..c"})
    EXPECT_TRUE(is_file_name(good)) << good;
  for (const char* bad : {"", "/", "/a", "a/", "a//b", "a/../b", "..", "a/.", "a/\xff"})
    EXPECT_FALSE(is_file_name(bad)) << bad;
}

TEST(FileName, HasABound) {
  std::string name = "x";
  while (name.size() + 2 <= 4095) name += "/x";
  ASSERT_EQ(name.size(), 4095u);
  EXPECT_TRUE(is_file_name(name));
  name += 'x';
  EXPECT_FALSE(is_file_name(name));
}

}  // namespace
}  // namespace fairlead
