// SPDX-License-Identifier: BSD-2-Clause
#include "completions.h"

#include <rdma/fi_errno.h>

#include <sstream>

#include "check.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kBatch = 16;

}  // namespace

std::string describe(const Entry& entry) {
  std::ostringstream out;
  out << (entry.error != 0 ? fi_strerror(entry.error) : "success") << ", length " << entry.length << ", tag 0x"
      << std::hex << entry.tag << ", flags 0x" << entry.flags << ", data 0x" << entry.data << std::dec << ", overflow "
      << entry.overflow;
  return out.str();
}

bool Completions::poll() {
  fi_cq_tagged_entry entries[kBatch];
  fi_addr_t sources[kBatch];
  const ssize_t got =
      with_source_ ? fi_cq_readfrom(queue_, entries, kBatch, sources) : fi_cq_read(queue_, entries, kBatch);
  if (got == -FI_EAVAIL) return read_error();
  if (got == -FI_EAGAIN) return false;
  REQUIRE_OK(got);
  for (ssize_t i = 0; i < got; ++i) {
    const fi_cq_tagged_entry& e = entries[i];
    ready_.push_back({.context = e.op_context,
                      .flags = e.flags,
                      .length = e.len,
                      .buffer = e.buf,
                      .data = e.data,
                      .tag = e.tag,
                      .source = with_source_ ? sources[i] : FI_ADDR_NOTAVAIL});
  }
  return got > 0;
}

bool Completions::read_error() {
  std::byte detail[256];
  fi_cq_err_entry e{};
  e.err_data = detail;
  e.err_data_size = sizeof(detail);
  const ssize_t got = fi_cq_readerr(queue_, &e, 0);
  REQUIRE_EQ(got, 1);  // -FI_EAVAIL promised one
  Entry entry{.context = e.op_context,
              .flags = e.flags,
              .length = e.len,
              .buffer = e.buf,
              .data = e.data,
              .tag = e.tag,
              .error = e.err,
              .overflow = e.olen};
  const auto* bytes = static_cast<const std::byte*>(e.err_data);
  if (e.err_data_size > 0 && bytes != nullptr) entry.error_data.assign(bytes, bytes + e.err_data_size);
  ready_.push_back(std::move(entry));
  return true;
}

Entry Completions::take() {
  REQUIRE(!ready_.empty());
  Entry entry = std::move(ready_.front());
  ready_.pop_front();
  return entry;
}

}  // namespace anchor::fabtests
