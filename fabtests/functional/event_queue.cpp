// SPDX-License-Identifier: BSD-2-Clause
// Event queues: events written by the application come back whole and in order; errors; what is refused.
#include <cstring>

#include "common/objects.h"
#include "common/registry.h"
#include "common/team.h"

namespace anchor::fabtests {

namespace {

struct Events {
  Events() : open(OpenDomain::usual()), queue(open_eq(open.fabric.get(), FI_WRITE)) {}
  ssize_t write(std::uint64_t data) {
    fi_eq_entry entry{};
    entry.fid = open.domain.as_fid();
    entry.context = this;
    entry.data = data;
    return fi_eq_write(queue.get(), FI_NOTIFY, &entry, sizeof(entry), 0);
  }
  ssize_t read(fi_eq_entry* entry, std::uint64_t flags = 0, std::size_t size = sizeof(fi_eq_entry)) {
    return fi_eq_read(queue.get(), &type, entry, size, flags);
  }

  OpenDomain open;
  Owned<fid_eq> queue;
  std::uint32_t type = 0;
};

constexpr ssize_t kEntry = sizeof(fi_eq_entry);

}  // namespace

TEST(events_come_back_in_order) {
  Events events;
  for (std::uint64_t i = 0; i < 40; ++i) REQUIRE_EQ(events.write(i), kEntry);
  for (std::uint64_t i = 0; i < 40; ++i) {
    fi_eq_entry entry{};
    REQUIRE_EQ(events.read(&entry), kEntry);
    CHECK_EQ(events.type, FI_NOTIFY);
    CHECK_EQ(entry.data, i);
    CHECK_EQ(entry.context, static_cast<void*>(&events));
    CHECK_EQ(entry.fid, events.open.domain.as_fid());
  }
}

TEST(events_none) {
  Events events;
  fi_eq_entry entry{};
  fi_eq_err_entry error{};
  CHECK_EQ(events.read(&entry), -FI_EAGAIN);
  CHECK_EQ(fi_eq_readerr(events.queue.get(), &error, 0), -FI_EAGAIN);
}

TEST(events_can_be_peeked_at) {
  Events events;
  REQUIRE_EQ(events.write(5), kEntry);
  for (int i = 0; i < 3; ++i) {
    fi_eq_entry entry{};
    REQUIRE_EQ(events.read(&entry, FI_PEEK), kEntry);
    CHECK_EQ(entry.data, 5u);
  }
  fi_eq_entry entry{};
  CHECK_EQ(events.read(&entry), kEntry);
  CHECK_EQ(events.read(&entry), -FI_EAGAIN);
}

TEST(events_too_large_for_the_buffer_stay) {
  Events events;
  REQUIRE_EQ(events.write(6), kEntry);
  fi_eq_entry entry{};
  CHECK_EQ(events.read(&entry, 0, 4), -FI_ETOOSMALL);
  CHECK_EQ(events.read(&entry), kEntry);
  CHECK_EQ(entry.data, 6u);
}

TEST(events_need_permission_to_write, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_eq> queue = open_eq(open.fabric.get());
  fi_eq_entry entry{};
  CHECK(fi_eq_write(queue.get(), FI_NOTIFY, &entry, sizeof(entry), 0) < 0);
}

TEST(events_error_text) {
  Events events;
  char text[64];
  const char* said = fi_eq_strerror(events.queue.get(), FI_ENOMEM, nullptr, text, sizeof(text));
  REQUIRE(said != nullptr);
  CHECK(std::strlen(said) > 0);
}

// Connectionless endpoints may be bound to one, though little will come.
TEST(events_of_an_endpoint) {
  Events events;
  Owned<fid_ep> ep;
  REQUIRE_OK(fi_endpoint(events.open.domain.get(), events.open.info.get(), ep.out(), nullptr));
  const int rc = fi_ep_bind(ep.get(), events.queue.as_fid(), 0);
  CHECK(rc == 0 || rc == -FI_EINVAL || rc == -FI_ENOSYS);
}

}  // namespace anchor::fabtests
