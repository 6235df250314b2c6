// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "abi/eq.h"
#include "condition.h"
#include "open_domain.h"

using namespace anchor;

namespace {

struct Queue {
  explicit Queue(std::size_t size, fi_wait_obj wait = FI_WAIT_UNSPEC, std::uint64_t flags = FI_WRITE) {
    fi_eq_attr attr{};
    attr.size = size;
    attr.flags = flags;
    attr.wait_obj = wait;
    cr_assert_eq(fi_eq_open(open.fabric.get(), &attr, eq.out(), nullptr), 0);
  }
  Eq& object() { return Eq::from(eq.get()); }
  ssize_t read(fi_eq_entry* entry) {
    std::uint32_t type = 0;
    return fi_eq_read(eq.get(), &type, entry, sizeof(*entry), 0);
  }

  OpenDomain open;
  Opened<fid_eq> eq;
};

}  // namespace

Test(eq, our_own_events_wait_for_room) {
  Queue queue(1);
  for (std::uint64_t i = 0; i < 3; ++i)
    queue.object().post(FI_AV_COMPLETE, {.fid = nullptr, .context = nullptr, .data = i});
  fi_eq_entry entry{};
  for (std::uint64_t i = 0; i < 3; ++i) {
    cr_assert_eq(queue.read(&entry), static_cast<ssize_t>(sizeof(entry)));
    cr_assert_eq(entry.data, i);
  }
  cr_assert_eq(queue.read(&entry), -FI_EAGAIN);
}

Test(eq, a_wait_ends_with_an_event_or_with_time) {
  Queue queue(4);
  fi_eq_entry entry{};
  std::uint32_t type = 0;
  cr_assert_eq(fi_eq_sread(queue.eq.get(), &type, &entry, sizeof(entry), 1, 0), -FI_EAGAIN);
  std::thread writer([&] { fi_eq_write(queue.eq.get(), FI_NOTIFY, &entry, sizeof(entry), 0); });
  fi_eq_entry found{};
  cr_assert_eq(fi_eq_sread(queue.eq.get(), &type, &found, sizeof(found), -1, 0), static_cast<ssize_t>(sizeof(found)));
  cr_assert_eq(type, FI_NOTIFY);
  writer.join();
}

Test(eq, what_was_not_asked_for_is_refused) {
  Queue queue(4, FI_WAIT_NONE, 0);
  fi_eq_entry entry{};
  std::uint32_t type = 0;
  cr_assert_eq(fi_eq_write(queue.eq.get(), FI_NOTIFY, &entry, sizeof(entry), 0), -FI_EINVAL);
  cr_assert_eq(fi_eq_sread(queue.eq.get(), &type, &entry, sizeof(entry), 0, 0), -FI_EINVAL);
  fi_eq_attr attr{};
  attr.wait_obj = static_cast<fi_wait_obj>(7);
  fid_eq* other = nullptr;
  cr_assert_eq(fi_eq_open(queue.open.fabric.get(), &attr, &other, nullptr), -FI_ENOSYS);
}

Test(eq, its_condition_is_signalled_by_an_event) {
  Queue queue(4, FI_WAIT_MUTEX_COND);
  const fi_mutex_cond condition = condition_of(queue.eq.fid());
  fi_eq_entry entry{};
  std::thread writer([&] { fi_eq_write(queue.eq.get(), FI_NOTIFY, &entry, sizeof(entry), 0); });
  await_condition(queue.open, queue.eq.fid(), condition);
  writer.join();
  cr_assert_eq(queue.read(&entry), static_cast<ssize_t>(sizeof(entry)));
}

Test(eq, errors) {
  Queue queue(4);
  queue.object().post_error({.fid = nullptr, .context = &queue, .data = 7, .error = FI_EINVAL, .provider_error = 0});
  fi_eq_entry entry{};
  cr_assert_eq(queue.read(&entry), -FI_EAVAIL);
  fi_eq_err_entry error{};
  cr_assert_eq(fi_eq_readerr(queue.eq.get(), &error, 0), static_cast<ssize_t>(sizeof(error)));
  cr_assert(error.context == &queue && error.data == 7 && error.err == FI_EINVAL && error.err_data_size == 0);
}

Test(eq, several_threads_read_each_error_once) {
  constexpr std::uint64_t kErrors = 100'000;
  Queue queue(4);
  for (std::uint64_t i = 1; i <= kErrors; ++i)
    queue.object().post_error({.fid = nullptr, .context = nullptr, .data = i, .error = FI_EIO, .provider_error = 0});
  std::atomic<std::uint64_t> count{0}, sum{0};
  const auto read_errors = [&] {
    fi_eq_err_entry error{};
    for (; fi_eq_readerr(queue.eq.get(), &error, 0) > 0; ++count) sum += error.data;
  };
  std::thread first(read_errors), second(read_errors);
  first.join();
  second.join();
  cr_assert_eq(count, kErrors);
  cr_assert_eq(sum, kErrors * (kErrors + 1) / 2);
}

Test(eq, its_descriptor_is_readable_while_events_wait) {
  Queue queue(4, FI_WAIT_FD);
  int fd = -1;
  cr_assert_eq(fi_control(queue.eq.fid(), FI_GETWAIT, &fd), 0);
  fid* object = queue.eq.fid();
  const auto readable = [fd] {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1;
  };
  cr_assert_eq(fi_trywait(queue.open.fabric.get(), &object, 1), 0);
  cr_assert_not(readable());
  queue.object().post(FI_AV_COMPLETE, {.fid = nullptr, .context = nullptr, .data = 1});
  cr_assert(readable());
  cr_assert_eq(fi_trywait(queue.open.fabric.get(), &object, 1), -FI_EAGAIN);
  fi_eq_entry entry{};
  cr_assert_eq(queue.read(&entry), static_cast<ssize_t>(sizeof(entry)));
  cr_assert_eq(fi_trywait(queue.open.fabric.get(), &object, 1), 0);
  cr_assert_not(readable());
}
