// SPDX-License-Identifier: BSD-2-Clause
// How the hub starts a rank: fork, then exec of the test program, so that every rank is as fresh as an application's
// process: nothing of libfabric is shared by inheritance.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "hub.h"
#include "window_hosts.h"

namespace anchor::fabtests {

namespace {

constexpr int kExecFailed = 127;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::vector<char*> as_argv(std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return argv;
}

}  // namespace

void Hub::start(Rank& rank) {
  int sockets[2];
  int pipes[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) fail("socketpair");
  if (pipe2(pipes, O_CLOEXEC) != 0) fail("pipe2");
  rank.pid = fork();
  if (rank.pid < 0) fail("fork");
  if (rank.pid == 0) become_rank(rank, sockets[1], pipes[1]);
  setpgid(rank.pid, rank.pid);  // both sides do: whoever comes first
  close(sockets[1]);
  close(pipes[1]);
  rank.socket = sockets[0];
  rank.output = pipes[0];
  fcntl(rank.output, F_SETFL, O_NONBLOCK);
  rank.exit_watch = static_cast<int>(syscall(SYS_pidfd_open, rank.pid, 0));
  if (rank.exit_watch < 0) fail("pidfd_open");
  fcntl(rank.exit_watch, F_SETFD, FD_CLOEXEC);
}

void Hub::become_rank(const Rank& rank, int socket, int output) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // an interrupted run leaves nobody behind
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  fcntl(socket, F_SETFD, 0);
  std::vector<std::string> device;
  if (on_window()) device = window_environment(rank.number);
  for (const std::string& variable : device) putenv(const_cast<char*>(variable.c_str()));
  for (const std::string& variable : test_.options.environment) putenv(const_cast<char*>(variable.c_str()));
  std::vector<std::string> words = settings_.command;
  for (const std::string& word :
       {std::string("--role"), test_.name, std::string("--rank"), std::to_string(rank.number), std::string("--fd"),
        std::to_string(socket), std::string("--generation"), std::to_string(rank.generation), std::string("--seed"),
        std::to_string(settings_.seed)}) {
    words.push_back(word);
  }
  execvp(words[0].c_str(), as_argv(words).data());
  std::perror("exec");
  _exit(kExecFailed);
}

}  // namespace anchor::fabtests
