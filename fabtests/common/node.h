// SPDX-License-Identifier: BSD-2-Clause
// An enabled endpoint with its own address vector and completion queues, as most tests need it, and the polling that
// manual progress asks for.
//
// While a Node lives, the team's waiting calls make its progress too. Completions are collected, never dropped. Not
// thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "completions.h"
#include "deadline.h"
#include "objects.h"
#include "team.h"

namespace anchor::fabtests {

struct NodeOptions {
  std::uint64_t caps = FI_MSG | FI_TAGGED;
  fi_av_type av_type = FI_AV_TABLE;
  std::size_t cq_size = 0;
  std::uint64_t transmit_bind = 0;  // or FI_SELECTIVE_COMPLETION
  std::uint64_t receive_bind = 0;
  std::uint64_t transmit_flags = 0;  // default operation flags
  std::uint64_t receive_flags = 0;
  std::uint32_t address_format = FI_FORMAT_UNSPEC;
  fi_threading threading = FI_THREAD_UNSPEC;
  int mr_mode = 0;                                        // for fi_domain, whatever fi_getinfo answers
  std::string host = {}, service = {};                    // the endpoint's own name; empty: the provider's choice
  std::uint64_t host_flags = FI_SOURCE | FI_NUMERICHOST;  // 0: host and service name the peer
};

class Node {
 public:
  explicit Node(Team& team, const NodeOptions& options = {});
  // On somebody else's domain, which must live longer.
  Node(Team& team, const OpenDomain& shared, const NodeOptions& options = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  fid_ep* ep() const noexcept { return ep_.get(); }
  fid_av* av() const noexcept { return av_.get(); }
  fid_domain* domain() const noexcept { return domain_; }
  const fi_info* info() const noexcept { return info_.get(); }
  Completions& sends() noexcept { return sends_; }
  Completions& receives() noexcept { return receives_; }

  Bytes name() const;
  fi_addr_t insert(const Bytes& name);
  // Exchanges names with the whole team; afterwards peer(rank) is where to send. Own rank included.
  void introduce();
  fi_addr_t peer(int rank) const { return peers_.at(static_cast<std::size_t>(rank)); }

  // One look at the queues. False when nothing came.
  bool progress();
  // Makes progress until `done`; a failure that says `what` after the time.
  void until(const char* what, const std::function<bool()>& done, double seconds = 15);
  // The same without the failure: returns whether it came in time.
  bool happens_within(double seconds, const std::function<bool()>& awaited);
  // Calls an operation again as long as it answers -FI_EAGAIN. Anything else but success is a failure.
  void submit(const std::function<ssize_t()>& operation);

  // The next completion; an error entry is a failure.
  Entry await_send();
  Entry await_receive();
  // The next one, which must be an error entry.
  Entry await_send_error(double seconds = 15);
  Entry await_receive_error(double seconds = 15);

  // While it rests, the team's waiting calls make no progress here: a peer that is busy elsewhere.
  void rest(bool on) noexcept { resting_ = on; }

  // Gives up the endpoint before the queues, as a test of closing wants it.
  void close_endpoint() { ep_.reset(); }

 private:
  void open(const NodeOptions& options);
  Entry await(Completions& queue, const char* what, bool want_error, double seconds);

  Team& team_;
  std::optional<OpenDomain> own_;
  Info info_;
  fid_domain* domain_ = nullptr;
  Owned<fid_cq> transmit_queue_;
  Owned<fid_cq> receive_queue_;
  Owned<fid_av> av_;
  Owned<fid_ep> ep_;
  Completions sends_;
  Completions receives_;
  std::vector<fi_addr_t> peers_;
  int progress_key_ = -1;
  bool resting_ = false;
};

// The endpoint's name with the length that fi_getname reports.
Bytes name_of(fid_ep* ep);
// One address into a vector. FI_ADDR_NOTAVAIL and a failure noted when it is refused.
fi_addr_t insert_address(fid_av* av, const Bytes& name);

// A host that needs no name server, and the first of a hundred service numbers which this process may give away there.
inline constexpr const char* kThisHost = "127.0.0.1";
int first_service();

// The address that host and service stand for, whether anybody is there or not.
Bytes address_of(const std::string& host, const std::string& service, std::uint32_t format = FI_FORMAT_UNSPEC);

// Hints for NodeOptions, and the info they lead to.
Info node_info(const NodeOptions& options);

}  // namespace anchor::fabtests
