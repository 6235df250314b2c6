// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstring>
#include <string>
#include <thread>

#include "../os/log_capture.h"
#include "abi/cq.h"
#include "condition.h"
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

void open_sources(const OpenDomain& open, Opened<fid_cq>* cq) {
  fi_cq_attr attr{};
  attr.format = FI_CQ_FORMAT_MSG;
  attr.wait_obj = FI_WAIT_UNSPEC;
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, cq->out(), nullptr), 0);
}

// An endpoint with a vector of its own on somebody's queue, talking to itself.
struct Soliloquist {
  Soliloquist(const OpenDomain& open, fid_cq* queue, std::uint64_t vector_flags = 0) : cq(queue) {
    fi_av_attr attr{};
    attr.flags = vector_flags;
    cr_assert_eq(fi_av_open(open.domain.get(), &attr, av.out(), nullptr), 0);
    cr_assert_eq(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr), 0);
    cr_assert_eq(fi_ep_bind(ep.get(), av.fid(), 0), 0);
    cr_assert_eq(fi_ep_bind(ep.get(), &cq->fid, FI_TRANSMIT | FI_RECV), 0);
    cr_assert_eq(fi_enable(ep.get()), 0);
  }

  fi_addr_t self(std::uint64_t flags = 0, fi_addr_t identifier = 0) {
    char name[64];
    std::size_t size = sizeof(name);
    cr_assert_eq(fi_getname(ep.fid(), name, &size), 0);
    cr_assert_eq(fi_av_insert(av.get(), name, 1, &identifier, flags, nullptr), 1);
    return identifier;
  }

  fi_addr_t source_of_message_to(fi_addr_t self) {
    char byte = 0;
    fi_cq_msg_entry entry{};
    fi_addr_t source = 0;
    cr_assert_eq(fi_recv(ep.get(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr), 0);
    cr_assert_eq(fi_inject(ep.get(), "x", 1, self), 0);
    cr_assert_eq(fi_cq_sreadfrom(cq, &entry, 1, &source, nullptr, 10'000), 1);
    cr_assert_eq(entry.flags & FI_RECV, FI_RECV);
    return source;
  }

  fid_cq* cq;
  Opened<fid_av> av;
  Opened<fid_ep> ep;
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

// Threads that read errors into buffers of their own have nothing in common, so nothing of ours may be used for them.
Test(cq, what_is_lent_is_not_touched_for_who_brings_a_buffer) {
  Queue queue;
  queue.fail("anchor://lent");
  queue.fail("anchor://copied");
  fi_cq_err_entry lent{};
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &lent, 0), 1);
  char buffer[64] = {};
  fi_cq_err_entry copied{};
  copied.err_data = buffer;
  copied.err_data_size = sizeof(buffer);
  cr_assert_eq(fi_cq_readerr(queue.cq.get(), &copied, 0), 1);
  cr_assert_str_eq(buffer, "anchor://copied");
  cr_assert_str_eq(static_cast<const char*>(lent.err_data), "anchor://lent");
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

Test(cq, endpoints_of_several_vectors_report_each_their_own_identifiers) {
  const OpenDomain open([](fi_info& h) { h.caps = FI_MSG | FI_SOURCE | FI_AV_USER_ID; });
  Opened<fid_cq> cq;
  open_sources(open, &cq);
  Soliloquist first(open, cq.get()), second(open, cq.get());
  const fi_addr_t of_first = first.self(FI_AV_USER_ID, 111), of_second = second.self(FI_AV_USER_ID, 222);
  cr_assert_eq(first.source_of_message_to(of_first), 111u);
  cr_assert_eq(second.source_of_message_to(of_second), 222u);
}

// A vector opened with FI_AV_USER_ID reports nothing but identifiers; one beside it reports addresses all the same.
Test(cq, identifiers_are_those_of_the_endpoints_own_vector) {
  const OpenDomain open([](fi_info& h) { h.caps = FI_MSG | FI_SOURCE; });
  Opened<fid_cq> cq;
  open_sources(open, &cq);
  Soliloquist identifying(open, cq.get(), FI_AV_USER_ID), plain(open, cq.get());
  cr_assert_eq(identifying.source_of_message_to(identifying.self()), FI_ADDR_NOTAVAIL);
  const fi_addr_t self = plain.self();
  cr_assert_eq(plain.source_of_message_to(self), self);
}

Test(cq, its_condition_is_signalled) {
  const OpenDomain open;
  fi_cq_attr attr{};
  attr.wait_obj = FI_WAIT_MUTEX_COND;
  Opened<fid_cq> cq;
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, cq.out(), nullptr), 0);
  fi_wait_obj object = FI_WAIT_NONE;
  cr_assert_eq(fi_control(cq.fid(), FI_GETWAITOBJ, &object), 0);
  cr_assert_eq(object, FI_WAIT_MUTEX_COND);
  const fi_mutex_cond condition = condition_of(cq.fid());
  fid* waited_for = cq.fid();
  ::pthread_mutex_lock(condition.mutex);
  cr_assert_eq(fi_trywait(open.fabric.get(), &waited_for, 1), 0);
  std::thread signaller([&] {
    ::pthread_mutex_lock(condition.mutex);  // free once we wait
    ::pthread_mutex_unlock(condition.mutex);
    fi_cq_signal(cq.get());
  });
  cr_assert_eq(wait_half_a_minute(condition), 0);
  ::pthread_mutex_unlock(condition.mutex);
  signaller.join();
}

Test(cq, attributes) {
  const OpenDomain open;
  fid_cq* cq = nullptr;
  fi_cq_attr attr{};
  attr.wait_obj = static_cast<fi_wait_obj>(7);
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_ENOSYS);
  attr = {};
  attr.flags = FI_PEER;
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_EBADFLAGS);
  attr = {};
  attr.format = static_cast<fi_cq_format>(7);
  cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_EINVAL);
}

Test(cq, no_memory_holds_a_queue_of_any_size) {
  const unit::LogCapture log;
  const OpenDomain open;
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX / 2 + 2, SIZE_MAX / sizeof(Completion)}) {
    fid_cq* cq = nullptr;
    fi_cq_attr attr{};
    attr.size = size;
    cr_assert_eq(fi_cq_open(open.domain.get(), &attr, &cq, nullptr), -FI_ENOMEM);
    cr_assert_null(cq);
    cr_assert(log.warned_of(std::to_string(size)));
  }
}

Test(cq, error_texts) {
  Queue queue;
  char text[200];
  cr_assert_eq(fi_cq_strerror(queue.cq.get(), ENOENT, nullptr, text, sizeof(text)), text);
  cr_assert_str_eq(text, fi_strerror(ENOENT));
  cr_assert_str_eq(fi_cq_strerror(queue.cq.get(), -ENOENT, nullptr, nullptr, 0), fi_strerror(ENOENT));
}
