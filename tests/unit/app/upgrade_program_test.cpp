// What a process that is started for an upgrade gets, and what it does not get.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "common/base/background_thread.hpp"
#include "common/base/descriptor.hpp"
#include "server/app/upgrade/program.hpp"
#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

// A shell as the program, and what it has written to descriptor 3.
class Shell {
 public:
  explicit Shell(const std::string& script) {
    program.path = "/bin/sh";
    program.arguments = {"sh", "-c", script};
    program.environment = {"KEPT=kept", "GONE=gone", "CHANGED=before", "NUMBER=1"};
  }

  std::string run(const std::vector<ChildVariable>& variables = {},
                  const std::vector<int>& more = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    std::vector<int> descriptors{writing.get()};
    descriptors.insert(descriptors.end(), more.begin(), more.end());
    const Outcome<pid_t> started = start_process(program, variables, "NUMBER", descriptors);
    EXPECT_TRUE(started) << started.error().what;
    writing = Descriptor();
    std::string said;
    char part[1024];
    for (ssize_t size = 0; (size = ::read(reading.get(), part, sizeof part)) > 0;)
      said.append(part, static_cast<std::size_t>(size));
    pid = *started;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return said;
  }

  Program program;
  pid_t pid = 0;
  int status = 0;
};

TEST(UpgradeProgram, HasTheEnvironmentOfTheStartAndWhatIsChangedInIt) {
  Shell shell("echo $KEPT ${GONE-none} $CHANGED $NEW $NUMBER $$ >&3");
  const std::string said =
      shell.run({{"GONE", std::nullopt}, {"CHANGED", "behind"}, {"NEW", "new"}});
  const std::string pid = std::to_string(shell.pid);
  EXPECT_EQ(said, "kept none behind new " + pid + ' ' + pid + '\n');
}

TEST(UpgradeProgram, HasTheDescriptorsItIsGivenAndNoOther) {
  const Descriptor not_for_it(::open("/dev/null", O_RDONLY));  // not even close-on-exec
  const Descriptor given(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Shell shell(
      "for i in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$i && echo $i; done >&3;"
      "readlink /proc/$$/fd/4 >&3; ls /proc/$$/fd | wc -l >&3");
  // The shell keeps descriptors of its own at 10 and above, for a moment.
  EXPECT_THAT(shell.run({}, {given.get()}), testing::StartsWith("0\n1\n2\n3\n4\n/\n"));
}

// Whatever this process ignores or blocks.
TEST(UpgradeProgram, EndsByASignalAsAnyProgram) {
  block_signals();
  const auto before = ::signal(SIGTERM, SIG_IGN);
  Shell shell("kill -TERM $$");
  shell.run();
  ::signal(SIGTERM, before);
  take_signals_anew();
  EXPECT_TRUE(WIFSIGNALED(shell.status));
  EXPECT_EQ(WTERMSIG(shell.status), SIGTERM);
}

TEST(UpgradeProgram, SaysWhyItCannotBeExecuted) {
  const TestFolder folder;
  Shell shell("");
  shell.program.path = folder / "missing";
  const auto started = start_process(shell.program, {}, "NUMBER", {});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().what,
            "cannot execute " + folder / "missing" + ": No such file or directory");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left of it";
}

TEST(UpgradeProgram, OfThisProcessIsThePathThatItWasStartedBy) {
  std::string name = "name";
  char* arguments[] = {name.data(), nullptr};
  const Program program = Program::of_this_process(1, arguments);
  EXPECT_TRUE(program.path.starts_with('/')) << program.path;
  EXPECT_EQ(::access(program.path.c_str(), X_OK), 0) << program.path;
  EXPECT_EQ(program.arguments, std::vector<std::string>{"name"});
  EXPECT_FALSE(program.environment.empty());
}

}  // namespace
}  // namespace fairlead
