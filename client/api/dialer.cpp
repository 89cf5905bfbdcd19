#include "client/api/dialer.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fairlead {
namespace {

// How many failed addresses an error message names.
constexpr std::size_t kNamedMax = 3;

std::vector<PeerAddress> alternating_families(const std::vector<PeerAddress>& resolved) {
  std::vector<PeerAddress> first, second, result;
  for (const PeerAddress& address : resolved)
    (address.family == resolved.front().family ? first : second).push_back(address);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) result.push_back(first[i]);
    if (i < second.size()) result.push_back(second[i]);
  }
  return result;
}

}  // namespace

tl::expected<std::vector<PeerAddress>, Failure> addresses_to_try(
    const Result<Resolved>& answer, const std::optional<PeerAddress>& source) {
  if (!answer) {
    return tl::unexpected(
        Failure{.kind = FailureKind::name_not_resolved, .what = answer.error().what});
  }
  std::vector<PeerAddress> addresses = alternating_families(answer->addresses);
  if (source) {
    std::erase_if(addresses, [&source](const auto& to) { return to.family != source->family; });
  }
  if (!addresses.empty()) return addresses;
  return tl::unexpected(Failure{.kind = FailureKind::unreachable,
                                .what = "it has no address of the family of " + source->ip_text()});
}

Dialer::Dialer(ClientShard& shard, Network& network)
    : shard_(shard),
      network_(network),
      next_attempt_(shard, [this] { try_next(); }),
      deadline_(shard, [this] { on_deadline(); }) {}

void Dialer::dial(const Endpoint& server, const DialSettings& settings,
                  std::function<void(DialResult)> done) {
  cancel();
  server_ = server;
  settings_ = settings;
  done_ = std::move(done);
  deadline_.set(deadline_after(shard_.now(), settings.timeout));
  if (server.kind == Endpoint::Kind::unix_socket) {
    attempts_.push_back({{.address = {}, .path = server.path}, nullptr, {}});
    return try_next();
  }
  resolving_ = network_.resolve(server.host.empty() ? "localhost" : server.host, server.port,
                                settings.family,
                                [this](const Result<Resolved>& answer) { on_resolved(answer); });
}

void Dialer::cancel() {
  done_ = nullptr;
  resolving_.reset();
  attempts_.clear();
  begun_ = 0;
  next_attempt_.cancel();
  deadline_.cancel();
}

void Dialer::on_resolved(const Result<Resolved>& answer) {
  resolving_.reset();
  auto addresses = addresses_to_try(answer, settings_.source);
  if (!addresses) return finish(tl::unexpected(std::move(addresses.error())));
  for (const PeerAddress& address : *addresses)
    attempts_.push_back({{.address = address, .path = {}, .zone = answer->zone}, nullptr, {}});
  try_next();
}

void Dialer::try_next() {
  const std::size_t index = begun_++;
  Attempt& attempt = attempts_[index];
  attempt.pending = network_.connect(
      attempt.destination,
      {.source = settings_.source, .receive_buffer_bytes = settings_.receive_buffer_bytes},
      [this, index](Connected connected) { on_connected(index, std::move(connected)); });
  const bool more = begun_ < attempts_.size();
  next_attempt_.set(more ? shard_.now() + kAttemptDelay : kNever);
}

void Dialer::on_connected(std::size_t index, Connected connected) {
  Attempt& attempt = attempts_[index];
  attempt.pending.reset();
  if (connected) return finish(Dialed{*std::move(connected), std::move(attempt.destination)});
  attempt.error = connected.error();
  if (begun_ < attempts_.size()) return try_next();
  const bool waiting = std::any_of(attempts_.begin(), attempts_.end(),
                                   [](const Attempt& other) { return other.pending != nullptr; });
  if (!waiting) finish(tl::unexpected(all_failed()));
}

void Dialer::on_deadline() {
  finish(tl::unexpected(Failure{.kind = FailureKind::connect_timeout,
                                .what = resolving_ ? "the name was not resolved in time"
                                                   : "no answer to the attempt to connect"}));
}

void Dialer::finish(DialResult result) {
  const auto done = std::exchange(done_, nullptr);
  cancel();
  done(std::move(result));
}

// Names each address only when there is more than one.
Failure Dialer::all_failed() const {
  Failure failure{.kind = FailureKind::unreachable};
  const auto any_failed_with = [this](int error) {
    return std::any_of(attempts_.begin(), attempts_.end(), [error](const Attempt& attempt) {
      return attempt.error == std::error_code(error, std::generic_category());
    });
  };
  if (any_failed_with(EMFILE) || any_failed_with(ENFILE)) failure.kind = FailureKind::no_descriptor;
  if (any_failed_with(ETIMEDOUT)) failure.kind = FailureKind::connect_timeout;
  if (any_failed_with(ECONNREFUSED)) failure.kind = FailureKind::refused;
  for (std::size_t i = 0; i < std::min(attempts_.size(), kNamedMax); ++i) {
    if (i > 0) failure.what += ", ";
    if (attempts_.size() > 1) failure.what += attempts_[i].destination.text() + " ";
    failure.what += attempts_[i].error.message();
  }
  if (attempts_.size() > kNamedMax)
    failure.what += " and " + std::to_string(attempts_.size() - kNamedMax) + " more";
  return failure;
}

}  // namespace fairlead
