// fairlead get: files from a server, whole and verified, or a number that says why not.
#include <utility>

#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/commands/command.hpp"
#include "client/commands/get/get_run.hpp"

namespace fairlead {
std::string get_help() {
  return help_text(
      "Usage: fairlead get [OPTIONS] ADDRESS NAME...\n"
      "Fetches files. What is stored under its name is whole and verified, chunk by chunk,\n"
      "by the server's SHA-256; until then it is NAME.part, and the same command goes on\n"
      "with that. A server that speaks only the tutorials' protocol (--protocol text) can\n"
      "verify nothing, but --sha256 can.\n\n",
      get_options(),
      "\nExit codes: 0 stored, 1 not the file of --sha256, 2 usage, 6 name not resolved,\n"
      "7 cannot connect, 18 connection lost (run it again), 23 cannot write, 28 timeout, 36 "
      "the\n"
      "file changed, 52 nothing came (text), 56 damaged on its way or reset, 78 no such file,\n"
      "130 Ctrl-C\n"
      "\n  fairlead get localhost report.pdf\n"
      "  fairlead get -r --if-exists update localhost logs\n"
      "  fairlead get -r -O backup -j 8 localhost logs\n"
      "  fairlead get -o - localhost song.mp3 | mpv -\n"
      "  fairlead get --protocol text -e gbk localhost:8080 文件.txt\n");
}

int run_get(const Words& arguments, const TerminalLocale& locale) {
  const GetSettings settings = get_settings(read_options("get", get_options(), arguments), locale);
  Output out(1);
  GetReport report(settings, locale);
  Result<TargetFolder> opened = settings.creates_folder ? TargetFolder::make(settings.folder)
                                                        : TargetFolder::open(settings.folder);
  if (!settings.to_stdout && !opened)
    return fairlead::report(settings.client.server.text(), {kExitCannotWrite, opened.error().what});
  const TargetFolder folder = opened ? *std::move(opened) : TargetFolder();
  if (settings.is_plain) {
    get_plain(settings, folder, report, out);
  } else {
    auto files = settings.recursive ? list_files(settings, folder, report) : named_files(settings);
    GetRun(settings, folder, report, out).run(std::move(files));
  }
  if (!settings.to_stdout && !out.error().empty())
    report.fail_all({kExitCannotWrite, "cannot write the sums to stdout: " + out.error()});
  return report.end();
}

}  // namespace fairlead
