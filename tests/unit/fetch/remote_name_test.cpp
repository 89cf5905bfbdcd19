#include <gtest/gtest.h>

#include "client/fetch/file_names.hpp"

namespace fairlead {
namespace {

TEST(RemoteName, IsWhatWasTypedWithoutSlashesAtItsEnd) {
  EXPECT_EQ(remote_name("a/b"), "a/b");
  EXPECT_EQ(remote_name("a/b//"), "a/b");
  EXPECT_EQ(remote_name("../a"), "../a") << "refused later, not mended here";
  EXPECT_EQ(remote_name("/a"), "/a");
}

TEST(RemoteName, TheRootHasNone) {
  for (const char* root : {"", ".", "/", "./"}) EXPECT_EQ(remote_name(root), "") << root;
}

TEST(RemoteName, IsJoinedWithASlashWhereThereAreTwo) {
  EXPECT_EQ(joined_name("a", "b"), "a/b");
  EXPECT_EQ(joined_name("", "b"), "b");
  EXPECT_EQ(joined_name("a", ""), "a");
  EXPECT_EQ(joined_name("", ""), "");
}

}  // namespace
}  // namespace fairlead
