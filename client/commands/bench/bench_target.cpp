// Which addresses a load test loads.
#include <algorithm>
#include <memory>

#include "client/api/dialer.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "client/commands/bench/bench_run.hpp"
#include "client/commands/command_loop.hpp"

namespace fairlead {
namespace {

// Those of the family of `first`, each once, and it before the others.
std::vector<Destination> loaded_together(const std::vector<Destination>& all,
                                         const PeerAddress& first) {
  std::vector<Destination> result;
  const auto has = [&result](const Destination& one) {
    return std::ranges::any_of(result,
                               [&one](const auto& other) { return other.address == one.address; });
  };
  for (const bool is_first : {true, false}) {
    for (const Destination& one : all) {
      const bool is_wanted = is_first ? one.address == first : one.address.family == first.family;
      if (is_wanted && !has(one)) result.push_back(one);
    }
  }
  return result;
}

}  // namespace

tl::expected<std::vector<Destination>, Failure> find_bench_target(const Endpoint& server,
                                                                  AddressFamily family,
                                                                  const Load& load) {
  using Target = tl::expected<std::vector<Destination>, Failure>;
  if (server.kind == Endpoint::Kind::unix_socket)
    return std::vector{Destination{.address = {}, .path = server.path}};
  const DialSettings settings{.family = family,
                              .source = SourceAddresses(load.sources).at(0),
                              .timeout = load.connect_timeout};
  Target target =
      tl::unexpected(Failure{.kind = FailureKind::name_not_resolved, .what = "interrupted"});
  CommandLoop loop([&loop] { loop.end(); });
  Dialer dialer(loop.shard(), loop.network());
  std::unique_ptr<Pending> resolving;
  const auto on_resolved = [&](const Result<Resolved>& answer) {
    const auto addresses = addresses_to_try(answer, settings.source);
    if (!addresses) {
      target = tl::unexpected(addresses.error());
      return loop.end();
    }
    std::vector<Destination> all;
    for (const PeerAddress& address : *addresses)
      all.push_back({.address = address, .path = {}, .zone = answer->zone});
    target = loaded_together(all, all.front().address);
    if (all.size() == 1) return loop.end();
    dialer.dial(server, settings, [&loop, &target, all](const DialResult& dialed) {
      if (dialed) target = loaded_together(all, dialed->destination.address);
      loop.end();
    });
  };
  loop.run([&] {
    resolving = loop.network().resolve(server.host.empty() ? "localhost" : server.host, server.port,
                                       family, on_resolved);
  });
  return target;
}

}  // namespace fairlead
