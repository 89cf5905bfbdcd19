#include "server/files/disk_error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/fakes.hpp"

namespace fairlead {
namespace {

TEST(DiskError, OfTheDiskIsNotThatOfAName) {
  for (const int error : {ENOENT, ENOTDIR, EISDIR, EACCES, ENAMETOOLONG, ELOOP, EXDEV, ENXIO})
    EXPECT_EQ(request_error_of(error), RequestError::no_such_file) << error;
  for (const int error : {EMFILE, ENFILE, ENOMEM})
    EXPECT_EQ(request_error_of(error), RequestError::server_full) << error;
  for (const int error : {EIO, ESTALE, EPERM, ETIMEDOUT, ENOTCONN, EOVERFLOW, ENOSYS})
    EXPECT_EQ(request_error_of(error), RequestError::internal_error) << error;
}

TEST(DiskError, IsLoggedOnlyWhereSomethingFails) {
  CapturingLog log;
  EXPECT_EQ(report_disk_error(log, "a", "open", ENOENT), RequestError::no_such_file);
  EXPECT_EQ(report_disk_error(log, "a", "open", EMFILE), RequestError::server_full);
  EXPECT_TRUE(log.events.empty());
  EXPECT_EQ(report_disk_error(log, "a", "read", EIO), RequestError::internal_error);
  ASSERT_EQ(log.events.size(), 1U);
  EXPECT_EQ(log.events[0].level, Level::error);
  EXPECT_EQ(log.events[0].fields["name"], "a");
  EXPECT_EQ(log.events[0].fields["doing"], "read");
  EXPECT_EQ(log.events[0].fields["why"], "Input/output error");
}

}  // namespace
}  // namespace fairlead
