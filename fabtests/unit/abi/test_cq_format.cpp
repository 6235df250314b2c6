// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <rdma/fi_endpoint.h>

#include <cstring>

#include "abi/cq_format.h"

using namespace anchor;

namespace {

char context, buffer;

constexpr std::uint64_t kFlags = FI_RECV | FI_TAGGED | FI_REMOTE_CQ_DATA;

Completion sample() {
  return {.context = &context, .flags = kFlags, .length = 3, .buffer = &buffer, .data = 4, .tag = 5, .source = 6};
}

}  // namespace

Test(cq_format, each_format_takes_its_part) {
  fi_cq_entry plain;
  write_entry(sample(), &plain);
  cr_assert_eq(plain.op_context, &context);

  fi_cq_msg_entry message;
  write_entry(sample(), &message);
  cr_assert(message.op_context == &context && message.flags == kFlags && message.len == 3);

  fi_cq_data_entry data;
  write_entry(sample(), &data);
  cr_assert(data.op_context == &context && data.flags == kFlags && data.len == 3);
  cr_assert(data.buf == &buffer && data.data == 4);

  fi_cq_tagged_entry tagged;
  write_entry(sample(), &tagged);
  cr_assert(tagged.op_context == &context && tagged.flags == kFlags && tagged.len == 3);
  cr_assert(tagged.buf == &buffer && tagged.data == 4 && tagged.tag == 5);
}

Test(cq_format, errors_leave_the_error_data_alone) {
  fi_cq_err_entry entry;
  std::memset(&entry, 0x5a, sizeof(entry));
  const CompletionError error{
      .completion = sample(), .overflow_length = 7, .error = FI_ETRUNC, .provider_error = 8, .source_name = {}};
  const void* const untouched = entry.err_data;
  write_entry(error, &entry);
  cr_assert(entry.op_context == &context && entry.flags == kFlags && entry.len == 3 && entry.buf == &buffer);
  cr_assert(entry.data == 4 && entry.tag == 5 && entry.olen == 7);
  cr_assert(entry.err == FI_ETRUNC && entry.prov_errno == 8);
  cr_assert_eq(entry.err_data, untouched);
}

Test(cq_format, no_slot_is_empty) {
  for (const fi_cq_format format :
       {FI_CQ_FORMAT_UNSPEC, FI_CQ_FORMAT_CONTEXT, FI_CQ_FORMAT_MSG, FI_CQ_FORMAT_DATA, FI_CQ_FORMAT_TAGGED}) {
    const fi_ops_cq* ops = cq_ops_for(format);
    cr_assert(ops->read && ops->readfrom && ops->readerr && ops->sread && ops->sreadfrom && ops->signal);
    cr_assert(ops->strerror);
  }
  cr_assert_null(cq_ops_for(static_cast<fi_cq_format>(99)));
}
