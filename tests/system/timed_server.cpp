// An echo of lines that keeps a record: each goes back when its time has come, and when it came and
// went is written down, so that the figures of a load test can be held against a server's own.
//
// usage: timed_server DELAYS [STALL_MS]
//   DELAYS    microseconds, with commas between: line n, of all connections together, waits for the
//             n-th of them, and behind the last comes the first again
//   STALL_MS  once a second it does nothing at all for so long
// Prints the port it has chosen on 127.0.0.1. When stdin ends, it prints a line for each message,
// "received due sent" in nanoseconds, and ends. A connection has one line on its way at a time. It
// is received when the kernel has it (SO_TIMESTAMPNS, socket(7)): what this program sleeps on is
// time that its client waits.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <queue>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

struct Record {
  Clock::time_point received, due, sent;
};

// A line that waits to go back.
struct Reply {
  Clock::time_point due;
  std::size_t record;
  int connection;

  bool operator>(const Reply& other) const { return due > other.due; }
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

class TimedServer {
 public:
  TimedServer(std::vector<Nanoseconds> delays, Nanoseconds stall)
      : delays_(std::move(delays)), stall_(stall) {
    if (epoll_ < 0) die("epoll_create1");
    listen();
    watch(listener_);
    watch(STDIN_FILENO);
  }

  void run() {
    while (is_asked_for_) {
      wait();
      send_what_is_due();
      stall_if_it_is_time();
    }
    for (const Record& record : records_) {
      std::printf("%lld %lld %lld\n", since_boot(record.received), since_boot(record.due),
                  since_boot(record.sent));
    }
  }

 private:
  void listen() {
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    // The accepted ones have both, too.
    ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::setsockopt(listener_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
      die("SO_TIMESTAMPNS");
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 4096) != 0) die("listen");
    if (::getsockname(listener_, any, &size) != 0) die("getsockname");
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  void watch(int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
  }

  // For what comes, or until the next reply is due.
  void wait() {
    timespec left{};
    if (!replies_.empty()) {
      const auto until = std::max(Nanoseconds(0), Nanoseconds(replies_.top().due - Clock::now()));
      const auto whole = std::chrono::floor<std::chrono::seconds>(until);
      left = {.tv_sec = whole.count(), .tv_nsec = (until - whole).count()};
    }
    std::array<epoll_event, 256> events;
    const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                                     replies_.empty() ? nullptr : &left, nullptr);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener_) {
        watch(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
      } else if (descriptor == STDIN_FILENO) {
        is_asked_for_ = false;
      } else {
        receive(descriptor);
      }
    }
  }

  void receive(int connection) {
    std::array<char, 4096> buffer;
    alignas(cmsghdr) std::array<char, 256> control;
    iovec into{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &into;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(connection, &message, 0);
    if (size <= 0) {
      ::close(connection);
      return;
    }
    const auto number = static_cast<std::size_t>(connection);
    if (number >= lines_.size()) lines_.resize(number + 1);
    lines_[number].append(buffer.data(), static_cast<std::size_t>(size));
    if (!lines_[number].ends_with('\n')) return;
    const auto received = Clock::now() - age_of(message);
    const auto due = received + delays_[records_.size() % delays_.size()];
    replies_.push({due, records_.size(), connection});
    records_.push_back({received, due, due});
  }

  // How long the kernel has had it. Its stamps are of the system's clock; the first ones may be
  // missing.
  static Nanoseconds age_of(msghdr& message) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
      if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec stamp;
      std::memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
      const auto then = std::chrono::seconds(stamp.tv_sec) + Nanoseconds(stamp.tv_nsec);
      return std::max(Nanoseconds(0), std::chrono::duration_cast<Nanoseconds>(now - then));
    }
    return Nanoseconds(0);
  }

  void send_what_is_due() {
    for (; !replies_.empty() && replies_.top().due <= Clock::now(); replies_.pop()) {
      const Reply& reply = replies_.top();
      std::string& line = lines_[static_cast<std::size_t>(reply.connection)];
      records_[reply.record].sent = Clock::now();
      const ssize_t sent = ::send(reply.connection, line.data(), line.size(), MSG_NOSIGNAL);
      if (sent >= 0 && sent != static_cast<ssize_t>(line.size())) die("send");
      line.clear();
    }
  }

  // The first half a second behind the first message.
  void stall_if_it_is_time() {
    if (stall_ == Nanoseconds(0) || records_.empty()) return;
    const auto due =
        records_.front().received + std::chrono::milliseconds(500) + std::chrono::seconds(stalls_);
    if (Clock::now() < due) return;
    ++stalls_;
    std::this_thread::sleep_for(stall_);
  }

  static long long since_boot(Clock::time_point time) {
    return Nanoseconds(time.time_since_epoch()).count();
  }

  const std::vector<Nanoseconds> delays_;
  const Nanoseconds stall_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_asked_for_ = true;
  int stalls_ = 0;
  std::vector<Record> records_;
  std::vector<std::string> lines_;  // by descriptor: what is on its way
  std::priority_queue<Reply, std::vector<Reply>, std::greater<>> replies_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 3) return 2;
  std::vector<Nanoseconds> delays;
  std::istringstream words(arguments[1]);
  for (std::string word; std::getline(words, word, ',');)
    delays.emplace_back(std::chrono::microseconds(std::stoll(word)));
  const std::chrono::milliseconds stall(count == 3 ? std::stoll(arguments[2]) : 0);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  TimedServer(delays, stall).run();
}
