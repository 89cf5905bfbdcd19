// What a server, hostile or broken, may do to our client. The first byte chooses between a
// conversation (one ServerConnection; the rest is the stream, which must come to the same at every
// split), a script (a Client that dials, waits and dials again; the bytes say what happens next)
// and a text to be shown. What is told is also printed on a terminal, where nothing may arrive that
// steers it.
#include <optional>
#include <vector>

#include "client/api/client.hpp"
#include "client/api/reply_text.hpp"
#include "tests/fuzz/client_tables.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/shown_checks.hpp"
#include "tests/unit/client/fake_network.hpp"
#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {
namespace {

constexpr std::optional<Encoding> kDecodes[] = {
    {}, Encoding::utf8, Encoding::gbk, Encoding::gb18030, Encoding::latin1, Encoding::binary};
constexpr Encoding kTerminals[] = {Encoding::utf8, Encoding::gbk, Encoding::gb18030};

// A server's preface and HELLO.
constexpr Bytes kServerBegins{
    "\xff"
    "FLD\1\0\0\0"
    "\0\0\0\x10\1\0\0\0\0\0\0\0"
    "\0\1\0\x40\0\0\1\0\1n\1e\1\1e\0",
    8 + 12 + 16};

// A limit so narrow that inputs of a few hundred bytes reach it, or none.
ConnectionSettings read_settings(FuzzInput& input) {
  ConnectionSettings settings;
  settings.protocol = static_cast<Protocol>(input.below(3));
  settings.reply.boundary = static_cast<ReplyBoundary>(input.below(3));
  settings.reply.until = input.bytes(input.below(4));
  settings.encoding.decode = kDecodes[input.below(std::size(kDecodes))];
  const std::uint8_t limit = input.byte();
  if (limit != 0xff) settings.message_bytes_max = 4U + limit;
  return settings;
}

// What is kept is sized by what has arrived, and that by the limit: an unfinished frame with its
// header, or a line with its CR, and the delivery behind it (BufferPool has powers of four, and a
// TailBuffer grows twofold). Beside that there is what waits to be sent.
void check_memory(const BufferPool& pool, const ConnectionSettings& settings,
                  std::size_t delivery_bytes, std::size_t queued_memory_max = 0) {
  const std::size_t kept_max = settings.message_bytes_max + kFrameHeaderBytes + delivery_bytes;
  FAIRLEAD_CHECK(pool.bytes_in_use() <=
                 std::max(BufferPool::kSmallest, 9 * kept_max) + queued_memory_max);
}

// ---- Conversations

class Talk final : public ConnectionObserver {
 public:
  // Closes within the close_at-th frame; 0: does not.
  explicit Talk(const ConnectionSettings& settings, std::size_t close_at = 0)
      : settings_(settings), close_at_(close_at) {}

  Told play(const Deliveries& deliveries, Ending ending) {
    server_ = &loop_.make();
    server_->conditions.read_bytes_max = SIZE_MAX;
    ConnectionObserver& self = *this;
    connection_ =
        std::make_unique<ServerConnection>(loop_.shard, settings_, server_->make_stream(), self);
    loop_.turn([this] { connection_->start(); });
    for (const Delivery& delivery : deliveries) {
      if (!connection_) break;
      loop_.deliver(*server_, delivery.bytes);
      check_memory(loop_.shard.pool(), settings_, delivery.bytes.size());
      if (delivery.then_silence) loop_.pass(settings_.reply.quiet + Duration(20));
    }
    if (connection_) finish(ending);
    FAIRLEAD_CHECK(!connection_ && server_->is_destroyed());
    FAIRLEAD_CHECK(!loop_.shard.next_due());
    FAIRLEAD_CHECK(loop_.shard.pool().bytes_in_use() == 0);
    return std::move(told_);
  }

 private:
  void finish(Ending ending) {
    switch (ending) {
      case Ending::end:
        return loop_.end(*server_);
      case Ending::reset:
        return loop_.fail(*server_, StreamError::reset);
      case Ending::vanished:
        return loop_.fail(*server_, StreamError::vanished);
      case Ending::ours:
        return loop_.turn([this] { connection_->close(); });
    }
  }

  void on_ready() override {
    FAIRLEAD_CHECK(connection_ && !told_.ready);
    told_.ready = true;
  }
  void on_frame(const Frame& frame) override {
    FAIRLEAD_CHECK(connection_ && (close_at_ == 0 || told_.frames.size() < close_at_));
    told_.frames.push_back(
        {frame.type, frame.line_end, frame.channel, frame.request_id, std::string(frame.payload)});
    if (told_.frames.size() == close_at_) connection_->close();
  }
  void on_ended(const Failure& failure) override {
    FAIRLEAD_CHECK(connection_);
    told_.kind = failure.kind;
    told_.reason = failure.told;
    told_.fragment = connection_->take_fragment();
    told_.sent = server_->received();
    told_.unsent_bytes = connection_->queued_bytes();
    connection_.reset();
  }

  const ConnectionSettings& settings_;
  FakeLoop loop_;
  std::size_t close_at_;
  FakeConnection* server_ = nullptr;
  std::unique_ptr<ServerConnection> connection_;
  Told told_;
};

// `none`: however it is delivered, the pieces are the stream, none above the limit; and where the
// encoding is known, they are read as if they had come at once, and no character is torn.
void check_pieces(const ConnectionSettings& settings, Bytes stream, const Told& told) {
  FAIRLEAD_CHECK(bytes_of(told.frames) + told.fragment == stream);
  const auto decode = settings.encoding.decode;
  const bool is_whole = decode == Encoding::utf8 ? is_utf8(stream) : is_gb18030(stream);
  std::string text;
  ClientEncoding encoding(settings.encoding);
  for (const Heard& piece : told.frames) {
    FAIRLEAD_CHECK(!piece.payload.empty() && piece.payload.size() <= settings.message_bytes_max);
    const ReplyText read = read_reply(encoding, piece.payload);
    text += read.utf8 + as_utf8(read.torn, read.encoding);
    FAIRLEAD_CHECK(!decode || !is_whole || read.torn.empty());
  }
  if (decode) FAIRLEAD_CHECK(text + as_utf8(told.fragment, *decode) == as_utf8(stream, *decode));
}

// Whatever the split: what is told is what the tables say.
Told check_conversation(const ConnectionSettings& settings, const Deliveries& deliveries,
                        Ending ending) {
  Told told = Talk(settings).play(deliveries, ending);
  if (comes_in_pieces(settings)) {
    check_pieces(settings, stream_of(deliveries), told);
  } else {
    FAIRLEAD_CHECK(told == by_the_tables(settings, deliveries, ending));
  }
  return told;
}

// A close in the middle takes nothing away from what came before it, nor, of text, from what had
// come behind it.
void check_close(const ConnectionSettings& settings, const Deliveries& deliveries, Ending ending,
                 std::size_t close_at, const Told& told) {
  const Told closed = Talk(settings, close_at).play(deliveries, ending);
  FAIRLEAD_CHECK(closed.frames.size() == std::min(told.frames.size(), close_at));
  FAIRLEAD_CHECK(std::equal(closed.frames.begin(), closed.frames.end(), told.frames.begin()));
  if (settings.protocol != Protocol::text) return;
  const std::string came = bytes_of(closed.frames) + closed.fragment;
  FAIRLEAD_CHECK(stream_of(deliveries).starts_with(came));
}

void converse(FuzzInput input) {
  const ConnectionSettings settings = read_settings(input);
  const Encoding encoding = kTerminals[input.below(std::size(kTerminals))];
  const auto ending = static_cast<Ending>(input.below(4));
  const std::size_t close_at = 1U + input.below(4);
  const bool greeted = settings.protocol == Protocol::framed && input.below(2) != 0;
  std::mt19937 random(input.two_bytes());

  const std::string stream =
      std::string(greeted ? Bytes(kServerBegins) : Bytes()).append(input.rest());
  check_conversation(settings, {{stream}}, ending);
  if (stream.size() <= 128)
    check_conversation(settings, deliveries_of(byte_by_byte(stream)), ending);
  Deliveries split = deliveries_of(split_at_random(stream, random));
  const Told told = check_conversation(settings, split, ending);
  check_close(settings, split, ending, close_at, told);
  for (Delivery& delivery : split) delivery.then_silence = random() % 4 == 0;
  check_conversation(settings, split, ending);

  Terminal terminal(encoding, settings.encoding);
  for (const Heard& one : told.frames)
    terminal.show_piece({.line_end = one.line_end, .payload = one.payload});
}

// ---- Scripts

class Script final : public ClientObserver {
 public:
  explicit Script(FuzzInput input)
      : input_(input),
        settings_{.server = {.host = "h", .port = 1, .path = {}},
                  .dial = {.timeout = Duration(1000)},
                  .connection = read_settings(input_)},
        terminal_(kTerminals[input_.below(std::size(kTerminals))], settings_.connection.encoding) {
    settings_.reconnect.when = static_cast<ReconnectSettings::When>(input_.below(3));
    settings_.reconnect.retries_max = input_.below(4);
    destroys_within_ = input_.below(2) != 0;
  }

  void play() {
    client_ = std::make_unique<Client>(loop_.shard, loop_.network, settings_, *this);
    loop_.turn([this] { client_->open(); });
    for (int acts = 0; acts < 300 && !over_ && !input_.empty(); ++acts) {
      act();
      check();
    }
    end();
  }

 private:
  void act() {
    switch (input_.below(12)) {
      case 0:
      case 1:
        return answer();
      case 2:
        return deliver(input_.bytes(input_.byte()));
      case 3:
        return deliver(kServerBegins);
      case 4:
      case 5:
        return deliver_frame();
      case 6:
        return loop_.pass(Duration(input_.byte()));
      case 7:
        return loop_.pass(Duration(input_.two_bytes() % 4096));
      case 8:
        return lose();
      case 9:
        if (FakeConnection* server = live()) trouble(*server);
        return;
      default:
        return loop_.turn([this] { react(); });
    }
  }

  // The network answers the oldest question.
  void answer() {
    auto& questions = loop_.network.questions;
    std::erase_if(questions, [](const auto& one) { return !one->is_open(); });
    if (questions.empty()) return;
    const FakeQuestion& question = *questions.front();
    const std::string what = question.what;
    const std::uint8_t how = input_.byte();
    if (question.resolve) {
      if (how % 4 == 0) return loop_.resolve(what, make_error("no such name"));
      Resolved resolved;
      for (std::uint8_t i = 0; i < how % 4; ++i)
        resolved.addresses.push_back((how >> i & 4) != 0 ? v4(i) : v6(i));
      return loop_.resolve(what, std::move(resolved));
    }
    if (how % 4 == 0) return loop_.refuse(what, how < 64 ? ETIMEDOUT : ECONNREFUSED);
    connected_at_ = loop_.now();
    servers_.push_back(&loop_.connect(what));
  }

  // The server at the other end of the connection, if there is one.
  FakeConnection* live() {
    return servers_.empty() || servers_.back()->is_destroyed() ? nullptr : servers_.back();
  }

  void deliver(Bytes bytes) {
    FakeConnection* const server = live();
    if (server == nullptr) return;
    send(*server, bytes);
    loop_.deliver(*server, {});
  }

  // Delivered together with what is sent next, unless a probe finds it before.
  void send(FakeConnection& server, Bytes bytes) {
    server.send(bytes);
    longest_delivery_ = std::max(longest_delivery_, server.undelivered_bytes());
  }

  void deliver_frame() {
    Frame frame;
    frame.type = static_cast<FrameType>(1 + input_.below(11));
    frame.channel = input_.below(3);
    frame.request_id = input_.below(4);
    frame.payload = input_.bytes(input_.below(64));
    const auto header = frame_header(frame);
    const std::string bytes = std::string(header.data(), header.size()).append(frame.payload);
    for (std::uint8_t times = input_.below(8); times > 0; --times) deliver(bytes);
  }

  void lose() {
    FakeConnection* const server = live();
    if (server == nullptr) return;
    const std::uint8_t how = input_.below(4);
    if (how == 3) return loop_.end(*server);
    // Where something waits to be written, that fails first, and what has come is still there.
    const auto error = static_cast<StreamError>(how);
    if (server->queued_bytes() > 0) return loop_.fail_write(*server, error);
    loop_.fail(*server, error);
  }

  // A kernel that takes little, takes it all after all, or has something that the loop has not
  // read.
  void trouble(FakeConnection& server) {
    const std::uint8_t how = input_.below(3);
    if (how == 2) return send(server, input_.bytes(input_.byte()));
    const std::size_t bytes = how == 1 ? SIZE_MAX : input_.byte();
    server.conditions.client_reads = how == 1;
    server.conditions.kernel_bytes_max = bytes;
    loop_.take(server, bytes);
  }

  // What a user of the client may do, at any time and within every call.
  void react() {
    const std::uint8_t what = input_.below(16);
    if (what == 0) return client_->close();
    if (what == 1) {
      deadline_ = loop_.now() + Duration(input_.byte());
      return client_->set_deadline(deadline_);
    }
    ServerConnection* const connection = client_->connection();
    if (connection == nullptr) return;
    const bool framed = settings_.connection.protocol == Protocol::framed;
    const Bytes payload = what < 6 ? input_.bytes(input_.below(16)) : Bytes();
    said_bytes_ += payload.size() + kFrameHeaderBytes;
    if (what == 2) connection->send(payload, framed ? input_.below(3) : std::uint16_t{0});
    if (what == 3 && framed) connection->open(payload, input_.below(3));
    if (what == 4 && framed) connection->ping(payload);
    if (what == 5) connection->finish_sending();
  }

  // ClientObserver.
  void on_ready(const Destination&) override {
    FAIRLEAD_CHECK(!over_ && !ready_ && client_->connection() != nullptr);
    ready_ = true;
    react();
  }
  void on_frame(const Frame& frame) override {
    FAIRLEAD_CHECK(!over_);
    const bool turns_away = frame.type == FrameType::error || frame.type == FrameType::goaway;
    FAIRLEAD_CHECK(ready_ || turns_away);
    terminal_.show(frame);
    react();
  }
  void on_drained() override {
    FAIRLEAD_CHECK(!over_);
    react();
  }
  void on_deadline() override {
    FAIRLEAD_CHECK(!over_ && loop_.now() >= deadline_);
    deadline_ = kNever;
    react();
  }
  void on_retry(const Failure& failure, Duration wait) override {
    FAIRLEAD_CHECK(!over_ && client_->connection() == nullptr && wait > Duration::zero());
    FAIRLEAD_CHECK(settings_.reconnect.when != ReconnectSettings::When::never);
    ready_ = false;
    show_end(failure);
    react();
  }
  void on_ended(const Failure& failure) override {
    FAIRLEAD_CHECK(!over_ && client_->connection() == nullptr);
    over_ = true;
    show_end(failure);
    if (destroys_within_) client_.reset();
  }

  void show_end(const Failure& failure) {
    const std::string fragment = client_->take_fragment();
    FAIRLEAD_CHECK(fragment.empty() || settings_.connection.protocol == Protocol::text);
    if (!fragment.empty()) terminal_.show({.payload = fragment});
    terminal_.show(failure);
  }

  void check() {
    constexpr std::size_t kBlockBytes = 4096, kGreetingBytes = 64;
    const std::size_t queued_max =
        said_bytes_ + ServerConnection::kPongBytesQueuedMax + kGreetingBytes;
    const ServerConnection* const connection = over_ ? nullptr : client_->connection();
    // One that has ended keeps what it could not send, so that it can be asked for.
    const std::size_t queued_bytes = connection ? connection->queued_bytes() : queued_max;
    FAIRLEAD_CHECK(queued_bytes <= queued_max);
    // It lies in blocks with a header each, the first and the last of which may be half empty.
    check_memory(loop_.shard.pool(), settings_.connection, longest_delivery_,
                 queued_bytes == 0 ? 0 : queued_bytes + queued_bytes / 64 + 2 * kBlockBytes);
    if (over_) return;
    constexpr Duration kLate{20};
    FAIRLEAD_CHECK(deadline_ == kNever || loop_.now() <= deadline_ + kLate);
    if (live() == nullptr) return;
    FAIRLEAD_CHECK(ready_ || loop_.now() <= connected_at_ + settings_.dial.timeout + kLate);
  }

  // However it stands, a close ends it, and then there is nothing left to wait for.
  void end() {
    if (!over_) loop_.turn([this] { client_->close(); });
    loop_.pass(Duration(20));
    FAIRLEAD_CHECK(over_ && !loop_.shard.next_due());
    loop_.pass(Duration(100'000));
    client_.reset();
    FAIRLEAD_CHECK(loop_.network.open().empty());
    FAIRLEAD_CHECK(loop_.shard.pool().bytes_in_use() == 0);
    for (const FakeConnection* server : servers_) FAIRLEAD_CHECK(server->is_destroyed());
  }

  FuzzInput input_;
  FakeLoop loop_;
  ClientSettings settings_;
  Terminal terminal_;
  std::unique_ptr<Client> client_;
  std::vector<FakeConnection*> servers_;  // one for each connection there has been
  std::size_t longest_delivery_ = 0;
  std::size_t said_bytes_ = 0;  // by us, at most
  TimePoint connected_at_ = kNever;
  TimePoint deadline_ = kNever;
  bool ready_ = false;
  bool over_ = false;
  bool destroys_within_ = false;
};

// ---- Texts

// Nothing of a reply gets lost between what is read and what is torn.
void check_read_reply(const EncodingSettings& settings, Bytes reply) {
  ClientEncoding encoding(settings);
  const ReplyText text = read_reply(encoding, reply);
  FAIRLEAD_CHECK(text.torn.size() <= 3 && reply.ends_with(text.torn));
  FAIRLEAD_CHECK(text.utf8 ==
                 as_utf8(reply.substr(0, reply.size() - text.torn.size()), text.encoding));
  FAIRLEAD_CHECK(text.encoding == Encoding::binary || is_utf8(text.utf8));
  FAIRLEAD_CHECK(!settings.decode || text.encoding == *settings.decode);
}

// What was read of a HELLO stands there, in this order and in full.
void check_hello(Bytes payload) {
  const auto hello = read_hello(payload);
  if (!hello) return;
  std::string again;
  const auto add = [&again](const auto& bytes) { again.append(bytes.data(), bytes.size()); };
  const auto add_short = [&again, &add](const std::string& text) {
    again += static_cast<char>(text.size());
    add(text);
  };
  add(big_endian_16(hello->version));
  add(big_endian_16(hello->channels_max));
  add(big_endian_32(hello->message_bytes_max));
  add_short(hello->name);
  add_short(hello->default_service);
  again += static_cast<char>(hello->services.size());
  for (const std::string& service : hello->services) add_short(service);
  FAIRLEAD_CHECK(payload.starts_with(again));
}

void show(FuzzInput input) {
  EncodingSettings settings;
  settings.decode = kDecodes[input.below(std::size(kDecodes))];
  const Encoding terminal = kTerminals[input.below(std::size(kTerminals))];
  const auto told = static_cast<CloseReason>(input.below(kCloseReasonCount));
  const std::size_t bytes_max = input.byte();
  const Bytes text = input.rest();

  check_escapes(text, bytes_max);
  check_read_reply(settings, text);
  check_hello(text);
  Terminal shown(terminal, settings);
  shown.show({.line_end = static_cast<LineEnd>(bytes_max % 3), .payload = text});
  shown.show({.kind = FailureKind::turned_away, .told = told, .what = std::string(text)});
  check_harmless(report_line("", result_of(told, text)), "\n");
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::FuzzInput input(data, size);
  switch (input.below(3)) {
    case 0:
      fairlead::converse(input);
      break;
    case 1:
      fairlead::Script(input).play();
      break;
    default:
      fairlead::show(input);
  }
  return 0;
}
