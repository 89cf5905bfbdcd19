#include "client/cli/line_editor.hpp"

#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cwchar>
#include <vector>

#include "client/cli/columns.hpp"
#include "client/cli/drawn_block.hpp"
#include "client/cli/terminal_guard.hpp"

namespace fairlead {
namespace {

constexpr int kHistoryLinesMax = 1000;
constexpr wchar_t kReplacement = 0xFFFD;

// Key sequences that terminfo lacks or has wrong.
struct Binding {
  const wchar_t* keys;
  const wchar_t* command;
};
constexpr std::array kBindings{
    Binding{L"\\e[3~", L"ed-delete-next-char"}, Binding{L"\\e[1~", L"ed-move-to-beg"},
    Binding{L"\\e[7~", L"ed-move-to-beg"},      Binding{L"\\e[H", L"ed-move-to-beg"},
    Binding{L"\\eOH", L"ed-move-to-beg"},       Binding{L"\\e[4~", L"ed-move-to-end"},
    Binding{L"\\e[8~", L"ed-move-to-end"},      Binding{L"\\e[F", L"ed-move-to-end"},
    Binding{L"\\eOF", L"ed-move-to-end"},       Binding{L"\\e[1;5C", L"em-next-word"},
    Binding{L"\\e[1;5D", L"ed-prev-word"},      Binding{L"^R", L"em-inc-search-prev"},
    Binding{L"^W", L"ed-delete-prev-word"}};

std::wstring wide(const std::string& text) {
  std::wstring result;
  std::mbstate_t state{};
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    wchar_t c;
    const std::size_t size = std::mbrtowc(&c, at, static_cast<std::size_t>(end - at), &state);
    const bool bad = size == static_cast<std::size_t>(-1) || size == static_cast<std::size_t>(-2);
    if (bad) state = {};
    result += bad ? kReplacement : c;
    at += bad || size == 0 ? 1 : size;
  }
  return result;
}

std::string narrow(std::wstring_view text) {
  std::string result;
  std::mbstate_t state{};
  for (const wchar_t c : text) {
    std::array<char, 16> bytes;
    const std::size_t size = std::wcrtomb(bytes.data(), c, &state);
    if (size == static_cast<std::size_t>(-1)) {
      state = {};
      result += '?';
    } else {
      result.append(bytes.data(), size);
    }
  }
  return result;
}

}  // namespace

struct LineEditor::Libedit {
  Libedit(const Settings& settings, std::function<bool()> wait)
      : out(settings.out), history_file(settings.history_file), wait_for_key(std::move(wait)) {
    // Libedit's own buffer of stdin is not used: see read_key.
    editor = ::el_init("fairlead", stdin, out, stderr);
    history = ::history_winit();
    if (editor == nullptr || history == nullptr) throw std::bad_alloc();
    HistEventW event;
    ::history_w(history, &event, H_SETSIZE, kHistoryLinesMax);
    ::history_w(history, &event, H_SETUNIQUE, 1);
    if (!history_file.empty()) ::history_w(history, &event, H_LOAD, history_file.c_str());
    ::el_wset(editor, EL_CLIENTDATA, this);
    ::el_wset(editor, EL_PROMPT, &Libedit::current_prompt);
    ::el_wset(editor, EL_GETCFN, &Libedit::read_key);
    ::el_wset(editor, EL_HIST, ::history_w, history);
    ::el_wset(editor, EL_EDITOR, L"emacs");
    for (const Binding& key : kBindings) ::el_wset(editor, EL_BIND, key.keys, key.command, nullptr);
    // Terminal commands that shift text within a row break with wide characters: disabled, so that
    // the text is written again.
    for (const wchar_t* capability : {L"ic", L"IC", L"im", L"ei", L"dc", L"DC", L"dm", L"ed"})
      ::el_wset(editor, EL_SETTC, capability, L"", nullptr);
    ::el_source(editor, nullptr);  // the user's ~/.editrc
  }

  ~Libedit() {
    ::el_end(editor);
    ::history_wend(history);
  }

  static Libedit& of(EditLine* editor) {
    void* data = nullptr;
    ::el_wget(editor, EL_CLIENTDATA, &data);
    return *static_cast<Libedit*>(data);
  }

  static wchar_t* current_prompt(EditLine* editor) { return of(editor).prompt.data(); }

  // One character of the locale; 0: no more.
  static int read_key(EditLine* editor, wchar_t* key) {
    Libedit& self = of(editor);
    for (;;) {
      if (self.take_key(*key)) return 1;
      if (!self.wait_for_key()) {
        self.leave_line();
        return 0;
      }
      std::array<char, 512> part;
      const ssize_t size = ::read(STDIN_FILENO, part.data(), part.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return 0;
      self.typed.append(part.data(), static_cast<std::size_t>(size));
    }
  }

  // Takes a character from the bytes read so far. False: none is complete.
  bool take_key(wchar_t& key) {
    std::mbstate_t state{};
    if (typed.empty()) return false;
    const std::size_t size = std::mbrtowc(&key, typed.data(), typed.size(), &state);
    if (size == static_cast<std::size_t>(-2)) return false;
    const bool broken = size == static_cast<std::size_t>(-1);
    if (broken) key = kReplacement;
    typed.erase(0, broken || size == 0 ? 1 : size);
    return true;
  }

  // Rows from the begin of the prompt to the cursor, and to the end of the line.
  struct Rows {
    std::size_t cursor, end;
  };
  Rows rows() const {
    const LineInfoW& line = *::el_wline(editor);
    const std::wstring before =
        prompt + std::wstring(line.buffer, static_cast<std::size_t>(line.cursor - line.buffer));
    const std::wstring all =
        prompt + std::wstring(line.buffer, static_cast<std::size_t>(line.lastchar - line.buffer));
    const std::size_t columns = terminal_size(::fileno(out)).columns;
    return {rows_below(before, columns), rows_below(all, columns)};
  }

  // Erases the line and moves the cursor to its begin. The rest is cleared from the second row on:
  // some terminals keep a cleared whole screen as history.
  void erase() const {
    const Rows at = rows();
    std::fputs("\r", out);
    if (at.cursor > 0) std::fprintf(out, "\x1b[%zuA", at.cursor);
    std::fputs("\x1b[K", out);
    if (at.end > 0) std::fputs("\x1b[B\x1b[J\x1b[A", out);
  }

  // Keeps the line, and moves to the row below it.
  void leave_line() const {
    const Rows at = rows();
    if (at.end > at.cursor) std::fprintf(out, "\x1b[%zuB", at.end - at.cursor);
    std::fputs("\r\n", out);
    std::fflush(out);
  }

  void remember(const std::wstring& line) {
    HistEventW event;
    ::history_w(history, &event, H_ENTER, line.c_str());
    if (!history_file.empty()) ::history_w(history, &event, H_SAVE, history_file.c_str());
  }

  std::FILE* out;
  std::string history_file;
  std::function<bool()> wait_for_key;
  EditLine* editor = nullptr;
  HistoryW* history = nullptr;
  std::wstring prompt;
  std::string typed;  // read from stdin, not yet taken
  bool editing = false;
};

LineEditor::LineEditor(const Settings& settings, std::function<bool()> wait_for_key)
    : libedit_(std::make_unique<Libedit>(settings, std::move(wait_for_key))) {}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read_line(const std::string& prompt, History history) {
  Libedit& self = *libedit_;
  self.prompt = wide(prompt);
  self.editing = true;
  int count = 0;
  std::optional<TerminalGuard> guard(STDIN_FILENO);
  const wchar_t* const read = ::el_wgets(self.editor, &count);
  guard.reset();
  self.editing = false;
  if (read == nullptr || count <= 0) return {};
  std::wstring line(read, static_cast<std::size_t>(count));
  while (line.ends_with(L'\n') || line.ends_with(L'\r')) line.pop_back();
  if (history == History::keep && !line.empty() && line.front() != L' ') self.remember(line);
  return narrow(line);
}

void LineEditor::print_above(std::string_view lines) {
  Libedit& self = *libedit_;
  if (self.editing) self.erase();
  if (!lines.empty()) std::fwrite(lines.data(), 1, lines.size(), self.out);
  std::fflush(self.out);
  if (self.editing) ::el_wset(self.editor, EL_REFRESH);
  std::fflush(self.out);
}

void LineEditor::on_resize() {
  Libedit& self = *libedit_;
  ::el_resize(self.editor);
  if (self.editing) print_above({});
}

void LineEditor::on_continue() {
  Libedit& self = *libedit_;
  if (!self.editing) return;
  // Libedit does not notice that the shell changed the terminal modes: set them again.
  ::el_wset(self.editor, EL_PREP_TERM, 0);
  ::el_wset(self.editor, EL_PREP_TERM, 1);
  ::el_wset(self.editor, EL_REFRESH);
  std::fflush(self.out);
}

}  // namespace fairlead
