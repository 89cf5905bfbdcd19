#include "client/commands/prompt.hpp"

#include <utility>

#include "client/cli/line_editor.hpp"
#include "client/cli/output.hpp"
#include "client/commands/command_loop.hpp"

namespace fairlead {

PromptTexts prompt_texts(const TerminalLocale& locale) {
  if (!locale.chinese) return {"server's ip: ", "server's port: ", "text to send: "};
  // The prompts of the tutorials' clients.
  return {in_encoding("请输入服务端的ip: ", locale.encoding),
          in_encoding("请输入服务端的端口: ", locale.encoding),
          in_encoding("请输入要发送的内容:", locale.encoding)};
}

Keyboard::Keyboard(Loop& loop) : loop_(loop), stdin_(loop, 0) {}

bool Keyboard::wait() {
  bool ready = false;
  stdin_.wait([&ready] { ready = true; });
  while (!ready && !stopped_) loop_.run_one();
  stdin_.cancel();
  return ready && !stopped_;
}

std::string ask(const std::string& prompt) {
  Keyboard* waiting = nullptr;
  CommandLoop loop([&waiting] { waiting->stop(); });
  Keyboard keyboard(loop.loop());
  waiting = &keyboard;
  LineEditor editor({.out = stderr}, [&keyboard] { return keyboard.wait(); });
  auto line = editor.read_line(prompt, LineEditor::History::none);
  if (!line) throw Interrupted();
  return *std::move(line);
}

}  // namespace fairlead
