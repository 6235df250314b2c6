// SPDX-License-Identifier: BSD-2-Clause
// An event-loop server of keys and values, as an example and a test of FI_WAIT_FD: one epoll set holds the completion
// queue's descriptor, a TCP socket that answers questions, and the signals. When there is nothing to do, it sleeps.
//
//   kv_server [--provider NAME] [--source ADDRESS] [--port N] [--lease MILLISECONDS]
//
// It says on which port of 127.0.0.1 its control socket listens: "address" there is answered with the endpoint's name,
// "statistics" with counts. SIGTERM and SIGINT end it.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "control_socket.h"
#include "key_value_server.h"
#include "options.h"

namespace anchor::examples {
namespace {

constexpr int kEvents = 16;

int signals_that_end() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

// The whole loop. fi_trywait stands between the last look at the queue and every wait that is not over at once:
// without it, what came in between would be slept through.
void serve(int epoll, int signals, const Endpoint& endpoint, KeyValueServer& server, ControlSocket& control) {
  bool nothing_left = false;
  for (;;) {
    const int patience = nothing_left && endpoint.may_sleep() ? server.patience() : 0;
    epoll_event events[kEvents];
    const int ready = epoll_wait(epoll, events, kEvents, patience);
    if (ready < 0 && errno != EINTR) require(-errno, "epoll_wait");
    nothing_left = server.progress();
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd == signals) return;
      control.serve(events[i].data.fd);
    }
  }
}

}  // namespace
}  // namespace anchor::examples

int main(int argc, char** argv) {
  using namespace anchor::examples;
  const Options options(argc, argv, {"provider", "source", "port", "lease"});
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int signals = signals_that_end();
  watch(epoll, signals);
  Endpoint endpoint(options.text("provider", "anchor"), options.text("source", ""));
  watch(epoll, endpoint.descriptor());
  KeyValueServer server(endpoint, std::chrono::milliseconds(options.number("lease", 0)));
  ControlSocket control(epoll, static_cast<std::uint16_t>(options.number("port", 0)), [&](std::string_view question) {
    if (question == "address") return to_digits(endpoint.name());
    if (question == "statistics") return server.statistics();
    return std::string("ask for address or statistics");
  });
  std::printf("control socket: 127.0.0.1 port %d\n", control.port());
  std::fflush(stdout);
  serve(epoll, signals, endpoint, server, control);
  return EXIT_SUCCESS;
}
