// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstring>
#include <thread>

#include "abi/cq.h"
#include "abi/user_ids.h"
#include "open_domain.h"

using namespace anchor;

namespace {

struct Queue {
  explicit Queue(std::uint32_t version = FI_VERSION(1, 17), fi_wait_obj wait = FI_WAIT_UNSPEC)
      : open([](fi_info&) {}, version) {
    fi_cq_attr attr{};
    attr.size = 8;
    attr.wait_obj = wait;
    cr_assert_eq(fi_cq_open(open.domain.get(), &attr, cq.out(), nullptr), 0);
  }
  void fail(const char* source) {
    Cq::from(cq.get()).queue().push_error(
        {.completion =
             {.context = &open, .flags = FI_RECV, .length = 1, .buffer = nullptr, .data = 0, .tag = 0, .source = 5},
         .overflow_length = 0,
         .error = FI_EADDRNOTAVAIL,
         .provider_error = 0,
         .source_name = EndpointName::from(source)});
  }

  OpenDomain open;
  Opened<fid_cq> cq;
};

// As libfabric 1.20 and later have it.
struct NewErrorEntry {
  fi_cq_err_entry base;
  fi_addr_t source;
};

}  // namespace

Test(cq, an_empty_queue) {
  Queue queue;
  fi_cq_entry entry;
  fi_cq_err_entry error{};
  cr_assert_eq(fi_cq_read(queue.cq.get(), &entry, 1), -FI_EAGAIN);
  cr_assert_eq(fi_cq_read(queue.cq.get(), nullptr, 0), -FI_EAGAIN);
  cr_assert_eq(fi_cq_sread(queue.cq.get(), &entry, 1, nullptr, 1), -FI_EAGAIN);
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &error, 0), -FI_EAGAIN);
}

Test(cq, a_signal_ends_a_wait_that_comes_or_is_there) {
  Queue queue;
  fi_cq_entry entry;
  cr_assert_eq(fi_cq_signal(queue.cq.get()), 0);
  cr_assert_eq(fi_cq_sread(queue.cq.get(), &entry, 1, nullptr, -1), -FI_EAGAIN);
  std::thread signaller([&] { fi_cq_signal(queue.cq.get()); });
  cr_assert_eq(fi_cq_sread(queue.cq.get(), &entry, 1, nullptr, -1), -FI_EAGAIN);
  signaller.join();
  cr_assert_eq(fi_cq_sread(queue.cq.get(), &entry, 1, nullptr, 0), -FI_EAGAIN);
}

Test(cq, without_a_wait_object_nothing_waits) {
  Queue queue(FI_VERSION(1, 17), FI_WAIT_NONE);
  fi_cq_entry entry;
  cr_assert_eq(fi_cq_sread(queue.cq.get(), &entry, 1, nullptr, 0), -FI_EINVAL);
  cr_assert_eq(fi_cq_signal(queue.cq.get()), -FI_ENOSYS);
}

Test(cq, error_data_is_lent_or_copied) {
  Queue queue;
  queue.fail("anchor://x");
  fi_cq_err_entry error{};
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &error, 0), 1);
  cr_assert_eq(error.err, FI_EADDRNOTAVAIL);
  cr_assert_eq(error.err_data_size, 64u);
  cr_assert_str_eq(static_cast<const char*>(error.err_data), "anchor://x");

  queue.fail("anchor://y");
  char buffer[12] = {};
  error.err_data = buffer;
  error.err_data_size = 10;
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &error, 0), 1);
  cr_assert_eq(error.err_data_size, 10u);
  cr_assert_str_eq(buffer, "anchor://y");

  queue.fail("");
  error.err_data_size = 10;
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &error, 0), 1);
  cr_assert_eq(error.err_data_size, 0u);
}

Test(cq, old_applications_have_no_size_of_error_data) {
  Queue queue(FI_VERSION(1, 4));
  queue.fail("anchor://x");
  fi_cq_err_entry error;
  std::memset(&error, 0x5a, sizeof(error));
  const std::size_t untouched = error.err_data_size;
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &error, 0), 1);
  cr_assert_eq(error.err_data_size, untouched);
  cr_assert_str_eq(static_cast<const char*>(error.err_data), "anchor://x");
}

Test(cq, only_new_applications_have_a_source_in_errors) {
  for (const std::uint32_t version : {FI_VERSION(1, 19), FI_VERSION(1, 20)}) {
    Queue queue(version);
    queue.fail("");
    alignas(NewErrorEntry) std::byte bytes[sizeof(NewErrorEntry)] = {};
    cr_assert_eq(fi_cq_readerr(queue.cq.get(), reinterpret_cast<fi_cq_err_entry*>(bytes), 0), 1);
    fi_addr_t source;
    std::memcpy(&source, bytes + 80, sizeof(source));
    cr_assert_eq(source, version >= FI_VERSION(1, 20) ? 5u : 0u);
  }
}

Test(cq, user_identifiers_stand_for_sources) {
  Queue queue;
  Cq& cq = Cq::from(queue.cq.get());
  cr_assert_eq(cq.reported(3), 3u);
  const auto ids = std::make_shared<UserIds>(false);
  ids->set(3, 77);
  cr_assert_eq(cq.report_user_ids(ids), 0);
  cr_assert_eq(cq.reported(3), 77u);
  cr_assert_eq(cq.reported(4), 4u);
}

Test(cq, attributes) {
  const OpenDomain open;
  fid_cq* cq = nullptr;
  fi_cq_attr attr{};
  attr.wait_obj = FI_WAIT_FD;
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_ENOSYS);
  attr = {};
  attr.flags = FI_PEER;
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_EBADFLAGS);
  attr = {};
  attr.format = static_cast<fi_cq_format>(7);
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_EINVAL);
}

Test(cq, error_texts) {
  Queue queue;
  char text[200];
  cr_assert_eq(fi_cq_strerror(queue.cq.get(), ENOENT, nullptr, text, sizeof(text)), text);
  cr_assert_str_eq(text, fi_strerror(ENOENT));
  cr_assert_str_eq(fi_cq_strerror(queue.cq.get(), -ENOENT, nullptr, nullptr, 0), fi_strerror(ENOENT));
}
