// SPDX-License-Identifier: BSD-2-Clause
// Many endpoints in a process, each talking to each; several processes with several endpoints.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

// Endpoints which share queues and addresses, as a library with one endpoint a thread would have them.
class Colony {
 public:
  Colony(Team& team, std::size_t count) : team_(team), open_(OpenDomain::usual()), eps_(count) {
    cq_ = open_cq(open_.domain.get());
    av_ = open_av(open_.domain.get());
    completions_ = Completions(cq_.get(), false);
    for (Owned<fid_ep>& ep : eps_) {
      REQUIRE_OK(fi_endpoint(open_.domain.get(), open_.info.get(), ep.out(), nullptr));
      REQUIRE_OK(fi_ep_bind(ep.get(), av_.as_fid(), 0));
      REQUIRE_OK(fi_ep_bind(ep.get(), cq_.as_fid(), FI_TRANSMIT | FI_RECV));
      REQUIRE_OK(fi_enable(ep.get()));
    }
    key_ = team.add_progress([this] { completions_.poll(); });
  }
  ~Colony() { team_.remove_progress(key_); }

  void introduce() {
    Bytes names;
    for (const Owned<fid_ep>& ep : eps_) {
      const Bytes name = name_of(ep.get());
      names.insert(names.end(), name.begin(), name.end());
    }
    const std::size_t stride = names.size() / eps_.size();
    for (const Bytes& all : team_.gather(names)) {
      for (std::size_t at = 0; at < all.size(); at += stride) {
        addresses_.push_back(insert_address(av_.get(), Bytes(all.begin() + static_cast<std::ptrdiff_t>(at),
                                                             all.begin() + static_cast<std::ptrdiff_t>(at + stride))));
      }
    }
  }

  // One message from each endpoint of the whole team to each; the tag tells the pair.
  void all_to_all() {
    const std::size_t total = addresses_.size();
    std::vector<std::uint64_t> places(eps_.size() * total, ~0ull);
    for (std::size_t i = 0; i < places.size(); ++i) {
      submit([&] {
        return fi_trecv(eps_[i / total].get(), &places[i], 8, nullptr, FI_ADDR_UNSPEC, i % total, 0, nullptr);
      });
    }
    for (std::size_t i = 0; i < eps_.size() * total; ++i) {
      const std::uint64_t from = static_cast<std::size_t>(team_.rank()) * eps_.size() + i / total;
      const std::uint64_t number = from * total + i % total;
      submit([&] { return fi_tinject(eps_[i / total].get(), &number, 8, addresses_[i % total], from); });
    }
    await(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::size_t to = static_cast<std::size_t>(team_.rank()) * eps_.size() + i / total;
      CHECK_EQ(places[i], i % total * total + to);
    }
  }

 private:
  template <class Call>
  void submit(const Call& call) {
    const Deadline deadline(20);
    ssize_t rc;
    while ((rc = call()) == -FI_EAGAIN && !deadline.expired()) completions_.poll();
    REQUIRE_OK(rc);
  }
  void await(std::size_t count) {
    const Deadline deadline(25);
    while (completions_.size() < count && !deadline.expired()) completions_.poll();
    REQUIRE_EQ(completions_.size(), count);
    while (!completions_.empty()) CHECK_EQ(completions_.take().error, 0);
  }

  Team& team_;
  OpenDomain open_;
  Owned<fid_cq> cq_;
  Owned<fid_av> av_;
  std::vector<Owned<fid_ep>> eps_;
  Completions completions_;
  std::vector<fi_addr_t> addresses_;
  int key_ = -1;
};

void meet(Team& team, std::size_t count) {
  Colony colony(team, count);
  colony.introduce();
  colony.all_to_all();
  colony.all_to_all();  // over connections that exist
  team.barrier();
}

}  // namespace

TEST(many_endpoints_in_one_process, .seconds = 40) { meet(team, 64); }

TEST(many_endpoints_in_four_processes, .ranks = 4, .seconds = 40) { meet(team, 8); }

TEST(many_processes, .ranks = 8, .seconds = 30) { meet(team, 2); }

}  // namespace anchor::fabtests
