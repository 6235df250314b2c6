// SPDX-License-Identifier: BSD-2-Clause
//
// Latency between two endpoints that are alone, and between the same two once each of them is connected to
// many others, which do nothing. The others live in a few sleeping processes.
#include <sys/wait.h>

#include <exception>
#include <memory>

#include "crowd.h"
#include "ping_pong.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSize = 8;
constexpr unsigned kProcesses = 4;
constexpr std::uint64_t kLeaderHost = 0;
constexpr std::uint64_t kPeerHost = 1;

// A crowd in a child process of the leader; dismissed and waited for at the end.
class CrowdProcess {
 public:
  CrowdProcess(const Options& options, unsigned members) : ends_(Link::make_pair()) {
    child_ = fork_child(options.seconds, [&] { return serve(options, members); });
    ends_.second.close();
  }
  ~CrowdProcess() {
    control().dismiss();
    waitpid(child_, nullptr, 0);
  }
  CrowdProcess(const CrowdProcess&) = delete;
  CrowdProcess& operator=(const CrowdProcess&) = delete;

  CrowdLink control() { return CrowdLink(ends_.first); }

 private:
  int serve(const Options& options, unsigned members) {
    try {
      allow_cores(options.cores);
      serve_crowd(options, members, ends_.second);
      return 0;
    } catch (const std::exception& error) {
      Report("idle_peers").error(error.what());
      return 1;
    }
  }

  std::pair<Link, Link> ends_;
  pid_t child_ = -1;
};

using Crowds = std::vector<std::unique_ptr<CrowdProcess>>;

Crowds fork_crowds(const Options& options) {
  Crowds crowds;
  for (unsigned i = 0; i < kProcesses; ++i)
    crowds.push_back(std::make_unique<CrowdProcess>(options, options.idle_peers / kProcesses));
  return crowds;
}

// The leader greets each crowd, then lets the peer do so.
void introduce_crowds(Scene& scene, Endpoint& endpoint, Crowds& crowds) {
  const std::vector<EndpointName> hosts{endpoint.name(), scene.link.get_bytes()};
  for (auto& crowd : crowds) {
    CrowdLink control = crowd->control();
    const std::vector<EndpointName> names = control.names();
    control.shared_files();
    control.introduce(hosts);
    control.attend(kLeaderHost, [&] { greet(endpoint, insert_all(endpoint, names)); });
    control.attend(kPeerHost, [&] {
      put_names(scene.link, names);
      scene.link.get_number();
    });
  }
}

void meet_crowds(Scene& scene, Endpoint& endpoint) {
  scene.link.put_bytes(endpoint.name());
  for (unsigned i = 0; i < kProcesses; ++i) {
    greet(endpoint, insert_all(endpoint, get_names(scene.link)));
    scene.link.put_number(i);
  }
}

Percentiles ping_pong(Scene& scene, Connection& connection) {
  return measure_ping_pong<Traffic::kTagged>(scene, connection, kSize, Posting::kSendFirst);
}

void report_ping_pong(Scene& scene, Connection& connection, std::size_t idle) {
  const Percentiles half = ping_pong(scene, connection);
  if (scene.is_leader()) scene.report.percentiles("half_round_trip_ns", idle, half);
}

}  // namespace

void measure_idle_peers(Scene& scene) {
  Crowds crowds;
  if (scene.is_leader()) crowds = fork_crowds(scene.options);
  Connection connection(scene, kSize);
  report_ping_pong(scene, connection, 0);
  if (scene.is_leader())
    introduce_crowds(scene, connection.endpoint(), crowds);
  else
    meet_crowds(scene, connection.endpoint());
  static_cast<void>(ping_pong(scene, connection));  // they have just sent something: idle is who did not for a while
  report_ping_pong(scene, connection, scene.options.idle_peers);
}

}  // namespace anchor::bench
