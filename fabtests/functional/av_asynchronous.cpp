// SPDX-License-Identifier: BSD-2-Clause
// Asynchronous insertion: results come through the event queue, failures first, one by one.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

struct AsynchronousVector {
  AsynchronousVector() : open(OpenDomain::usual()) {
    fi_av_attr attributes{};
    attributes.type = FI_AV_TABLE;
    attributes.flags = FI_EVENT;
    const int rc = fi_av_open(open.domain.get(), &attributes, av.out(), nullptr);
    if (rc != 0 && !Team::provider_is_anchor()) skip("no asynchronous address vectors");
    REQUIRE_OK(rc);
  }
  void bind() {
    events = open_eq(open.fabric.get());
    REQUIRE_OK(bind_events(av.get(), events.as_fid()));
  }
  ssize_t read_event(fi_eq_entry* entry) {
    std::uint32_t type = 0;
    const Deadline deadline(10);
    ssize_t rc = 0;
    while ((rc = fi_eq_read(events.get(), &type, entry, sizeof(*entry), 0)) == -FI_EAGAIN && !deadline.expired()) {
    }
    if (rc > 0) CHECK_EQ(type, FI_AV_COMPLETE);
    return rc;
  }

  OpenDomain open;
  Owned<fid_eq> events;
  Owned<fid_av> av;
};

}  // namespace

TEST(av_event_needs_queue, .anchor_only = true) {
  AsynchronousVector vector;
  Node node(team);
  const Bytes name = node.name();
  fi_addr_t address;
  CHECK_EQ(fi_av_insert(vector.av.get(), name.data(), 1, &address, 0, nullptr), -FI_ENOEQ);
}

TEST(av_event_tells_how_many) {
  AsynchronousVector vector;
  vector.bind();
  Node node(team);
  const Bytes name = node.name();
  fi_addr_t address = FI_ADDR_NOTAVAIL;
  int context = 0;
  const int rc = fi_av_insert(vector.av.get(), name.data(), 1, &address, 0, &context);
  if (rc == 1 && !Team::provider_is_anchor()) skip("inserts at once in spite of FI_EVENT");
  REQUIRE_EQ(rc, 0);
  fi_eq_entry entry{};
  REQUIRE_EQ(vector.read_event(&entry), static_cast<ssize_t>(sizeof(entry)));
  CHECK_EQ(entry.context, static_cast<void*>(&context));
  CHECK_EQ(entry.data, 1u);
  CHECK_EQ(entry.fid, vector.av.as_fid());
  CHECK_EQ(address, 0u);
}

TEST(av_event_reports_each_failure, .anchor_only = true) {
  AsynchronousVector vector;
  vector.bind();
  Node node(team);
  Bytes names = node.name();
  const std::size_t stride = names.size();
  names.resize(3 * stride);  // the second and third are no addresses
  fi_addr_t addresses[3] = {0, 0, 0};
  int context = 0;
  REQUIRE_EQ(fi_av_insert(vector.av.get(), names.data(), 3, addresses, 0, &context), 0);
  for (std::uint64_t index = 1; index <= 2; ++index) {
    fi_eq_entry entry{};
    REQUIRE_EQ(vector.read_event(&entry), -FI_EAVAIL);
    fi_eq_err_entry error{};
    REQUIRE_EQ(fi_eq_readerr(vector.events.get(), &error, 0), static_cast<ssize_t>(sizeof(error)));
    CHECK_EQ(error.context, static_cast<void*>(&context));
    CHECK_EQ(error.data, index);
    CHECK(error.err > 0);
    CHECK_EQ(addresses[index], FI_ADDR_NOTAVAIL);
  }
  fi_eq_entry entry{};
  REQUIRE_EQ(vector.read_event(&entry), static_cast<ssize_t>(sizeof(entry)));
  CHECK_EQ(entry.data, 1u);
}

TEST(av_event_binding_rules, .anchor_only = true) {
  AsynchronousVector vector;
  vector.bind();
  CHECK(bind_events(vector.av.get(), vector.open.domain.as_fid()) < 0);
  CHECK(bind_events(vector.av.get(), vector.events.as_fid(), FI_RECV) < 0);
}

}  // namespace anchor::fabtests
