// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <vector>

#include "abi/capabilities.h"
#include "abi/ep.h"
#include "abi/mr.h"
#include "core/work_request.h"
#include "open_domain.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kRemote = FI_REMOTE_READ | FI_REMOTE_WRITE;

// A domain opened with a mode, whether or not fi_getinfo confirmed it.
struct Registered : OpenDomain {
  explicit Registered(int mode, std::uint32_t version = FI_VERSION(1, 17))
      : OpenDomain([mode](fi_info& h) { h.domain_attr->mr_mode = mode; }, version,
                   [mode](fi_info& i) { i.domain_attr->mr_mode |= mode; }) {}

  int reg(std::uint64_t key, fid_mr** mr, std::uint64_t access = kRemote, std::uint64_t flags = 0) {
    return fi_mr_reg(domain.get(), bytes, sizeof bytes, access, 0, key, flags, mr, nullptr);
  }
  // What a peer would be told.
  int access(std::uint64_t key, std::uint64_t address, std::uint64_t length = 1, const void* endpoint = nullptr) {
    return Domain::from(domain.get())
        .memory()
        .access({key, address, length, anchor::kRemoteRead, endpoint},
                [](const MemoryRegion&, const iovec*, std::uint32_t) { return 0; });
  }

  char bytes[64];
};

}  // namespace

Test(mr, local_access_takes_no_key) {
  Registered open(0);
  Opened<fid_mr> mr, same;
  cr_assert_eq(open.reg(7, mr.out(), FI_SEND | FI_RECV | FI_READ | FI_WRITE), 0);
  cr_assert_eq(open.reg(7, same.out(), FI_SEND), 0);
  cr_assert_eq(fi_mr_key(mr.get()), 7u);
  cr_assert_null(fi_mr_desc(mr.get()));
  cr_assert_eq(open.access(7, 0), -FI_EKEYREJECTED);
  cr_assert_eq(open.domain.close(), -FI_EBUSY);
}

Test(mr, nonsense_is_refused) {
  Registered open(0);
  fid_mr* mr = nullptr;
  const iovec segments[kMaxSegments + 1] = {};
  fid_domain* domain = open.domain.get();
  cr_assert_eq(fi_mr_regv(domain, segments, kMaxSegments + 1, FI_SEND, 0, 0, 0, &mr, nullptr), -FI_EINVAL);
  cr_assert_eq(fi_mr_regv(domain, segments, 0, FI_SEND, 0, 0, 0, &mr, nullptr), -FI_EINVAL);
  cr_assert_eq(fi_mr_reg(domain, open.bytes, 8, FI_SEND, 1, 0, 0, &mr, nullptr), -FI_EINVAL);
  cr_assert_eq(fi_mr_reg(domain, open.bytes, 8, FI_MULTI_RECV, 0, 0, 0, &mr, nullptr), -FI_EINVAL);
  cr_assert_eq(open.reg(1, &mr, kRemote, FI_RMA_PMEM), -FI_EBADFLAGS);
  cr_assert_eq(open.reg(FI_KEY_NOTAVAIL, &mr), -FI_EKEYREJECTED);
}

Test(mr, application_keys_and_offsets) {
  Registered open(0);
  constexpr std::uint64_t kKey = 0xfedc'ba98'7654'3210;
  fid_mr* other = nullptr;
  {
    Opened<fid_mr> mr;
    cr_assert_eq(open.reg(kKey, mr.out()), 0);
    cr_assert_eq(fi_mr_key(mr.get()), kKey);
    cr_assert_eq(open.reg(kKey, &other), -FI_ENOKEY);
    cr_assert_eq(open.access(kKey, 63), 0);
    cr_assert_eq(open.access(kKey, 64), -ERANGE);
  }
  cr_assert_eq(open.access(kKey, 0), -FI_EKEYREJECTED);
  Opened<fid_mr> again;
  cr_assert_eq(open.reg(kKey, again.out()), 0);
}

Test(mr, provider_keys) {
  Registered open(FI_MR_PROV_KEY);
  Opened<fid_mr> first, second;
  cr_assert_eq(open.reg(7, first.out()), 0);
  cr_assert_eq(open.reg(7, second.out()), 0);
  cr_assert_neq(fi_mr_key(first.get()), fi_mr_key(second.get()));
  cr_assert_eq(open.access(fi_mr_key(first.get()), 0), 0);
}

Test(mr, virtual_addresses) {
  for (const int mode : {static_cast<int>(FI_MR_VIRT_ADDR), kMrBasic}) {
    Registered open(mode);
    Opened<fid_mr> mr;
    cr_assert_eq(open.reg(7, mr.out()), 0);
    const auto address = reinterpret_cast<std::uint64_t>(open.bytes);
    cr_assert_eq(open.access(fi_mr_key(mr.get()), address + 63), 0);
    cr_assert_eq(open.access(fi_mr_key(mr.get()), 0), -ERANGE);
  }
}

Test(mr, old_applications_get_offsets_unless_they_ask_for_basic) {
  Registered scalable(0, FI_VERSION(1, 4));
  Opened<fid_mr> mr;
  cr_assert_eq(scalable.info->domain_attr->mr_mode, kMrScalable);
  cr_assert_eq(scalable.reg(7, mr.out()), 0);
  cr_assert_eq(scalable.access(7, 0), 0);
  Registered basic(kMrBasic, FI_VERSION(1, 4));
  Opened<fid_mr> other;
  cr_assert_eq(basic.reg(7, other.out()), 0);
  cr_assert_eq(basic.access(fi_mr_key(other.get()), reinterpret_cast<std::uint64_t>(basic.bytes)), 0);
}

Test(mr, all_of_memory_and_nothing_of_it) {
  Registered open(0);
  Opened<fid_mr> all, nothing;
  fid_domain* domain = open.domain.get();
  cr_assert_eq(fi_mr_reg(domain, nullptr, SIZE_MAX, kRemote, 0, 1, 0, all.out(), nullptr), 0);
  cr_assert_eq(fi_mr_reg(domain, open.bytes, 0, kRemote, 0, 2, 0, nothing.out(), nullptr), 0);
  cr_assert_eq(open.access(1, reinterpret_cast<std::uint64_t>(open.bytes), 64), 0);
  cr_assert_eq(open.access(2, 0, 0), 0);
  cr_assert_eq(open.access(2, 0, 1), -ERANGE);
}

Test(mr, several_segments) {
  Registered open(0);
  Opened<fid_mr> mr;
  const iovec segments[] = {{open.bytes, 10}, {open.bytes + 20, 10}};
  fi_mr_attr attr{};
  attr.mr_iov = segments;
  attr.iov_count = 2;
  attr.access = FI_REMOTE_READ;
  attr.requested_key = 3;
  cr_assert_eq(fi_mr_regattr(open.domain.get(), &attr, 0, mr.out()), 0);
  cr_assert_eq(open.access(3, 5, 10), 0);
  cr_assert_eq(open.access(3, 5, 16), -ERANGE);
}

Test(mr, one_that_is_to_be_enabled_lets_nobody_in_before) {
  Registered open(FI_MR_RMA_EVENT);
  Opened<fid_cntr> counter;
  cr_assert_eq(fi_cntr_open(open.domain.get(), nullptr, counter.out(), nullptr), 0);
  Opened<fid_mr> plain, counted;
  cr_assert_eq(open.reg(1, plain.out()), 0);
  cr_assert_eq(open.access(1, 0), 0);
  cr_assert_eq(open.reg(2, counted.out(), kRemote, FI_RMA_EVENT), 0);
  fid_mr* taken = nullptr;
  cr_assert_eq(open.reg(2, &taken), -FI_ENOKEY, "the key is its own already");
  cr_assert_eq(open.access(2, 0), -FI_EKEYREJECTED);
  cr_assert_eq(fi_mr_bind(counted.get(), counter.fid(), FI_REMOTE_WRITE), 0);
  cr_assert_eq(fi_mr_enable(counted.get()), 0);
  cr_assert_eq(open.access(2, 0), 0);
  cr_assert_eq(fi_mr_bind(counted.get(), counter.fid(), FI_REMOTE_READ), -FI_EOPBADSTATE);
}

Test(mr, one_endpoint_only) {
  Registered open(FI_MR_ENDPOINT);
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  Opened<fid_mr> mr;
  cr_assert_eq(open.reg(1, mr.out()), 0);
  cr_assert_eq(fi_mr_enable(mr.get()), -FI_EINVAL);
  cr_assert_eq(fi_mr_bind(mr.get(), endpoint.ep.fid(), 0), 0);
  cr_assert_eq(open.access(1, 0), -FI_EKEYREJECTED);
  cr_assert_eq(fi_mr_enable(mr.get()), 0);
  cr_assert_eq(open.access(1, 0), -FI_EKEYREJECTED, "not through another one");
  cr_assert_eq(open.access(1, 0, 1, Ep::from(endpoint.ep.get()).endpoint().identity()), 0);
}

Test(mr, bindings_that_make_no_sense) {
  Registered open(0), other(0);
  Opened<fid_mr> mr;
  Opened<fid_cntr> counter, stranger;
  cr_assert_eq(open.reg(1, mr.out()), 0);
  cr_assert_eq(fi_cntr_open(open.domain.get(), nullptr, counter.out(), nullptr), 0);
  cr_assert_eq(fi_cntr_open(other.domain.get(), nullptr, stranger.out(), nullptr), 0);
  cr_assert_eq(fi_mr_bind(mr.get(), counter.fid(), 0), -FI_EINVAL);
  cr_assert_eq(fi_mr_bind(mr.get(), counter.fid(), FI_RECV), -FI_EBADFLAGS);
  cr_assert_eq(fi_mr_bind(mr.get(), stranger.fid(), FI_REMOTE_WRITE), -FI_EDOMAIN);
  cr_assert_eq(fi_mr_bind(mr.get(), open.domain.fid(), FI_REMOTE_WRITE), -FI_EINVAL);
  cr_assert_eq(fi_mr_bind(mr.get(), counter.fid(), FI_REMOTE_WRITE), 0, "also of one that is enabled");
}

// libfabric gives no order for these.
Test(mr, counters_may_be_closed_first) {
  Registered open(0);
  Opened<fid_mr> mr;
  Opened<fid_cntr> counter;
  OpenEndpoint endpoint(open);
  cr_assert_eq(open.reg(1, mr.out()), 0);
  cr_assert_eq(fi_cntr_open(open.domain.get(), nullptr, counter.out(), nullptr), 0);
  cr_assert_eq(fi_mr_bind(mr.get(), counter.fid(), FI_REMOTE_WRITE), 0);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  cr_assert_eq(fi_cntr_read(counter.get()), 0u);
  cr_assert_eq(counter.close(), 0);
}

Test(mr, raw_keys_are_keys) {
  Registered open(FI_MR_VIRT_ADDR);
  Opened<fid_mr> mr;
  cr_assert_eq(open.reg(0x1122334455667788, mr.out()), 0);
  std::uint64_t base = 0, key = 0;
  std::uint8_t raw[8];
  std::size_t size = 4;
  cr_assert_eq(fi_mr_raw_attr(mr.get(), &base, raw, &size, 0), -FI_ETOOSMALL);
  cr_assert_eq(size, 8u);
  cr_assert_eq(fi_mr_raw_attr(mr.get(), &base, raw, &size, 0), 0);
  cr_assert_eq(base, reinterpret_cast<std::uint64_t>(open.bytes));
  cr_assert_eq(fi_mr_map_raw(open.domain.get(), base, raw, 7, &key, 0), -FI_EINVAL);
  cr_assert_eq(fi_mr_map_raw(open.domain.get(), base, raw, 8, &key, 0), 0);
  cr_assert_eq(key, fi_mr_key(mr.get()));
  cr_assert_eq(fi_mr_unmap_key(open.domain.get(), key), 0);
  cr_assert_eq(fi_mr_refresh(mr.get(), nullptr, 0, 0), 0);
}

Test(mr, thousands) {
  Registered open(FI_MR_PROV_KEY);
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  std::vector<Opened<fid_mr>> regions(10'000);
  for (Opened<fid_mr>& region : regions) cr_assert_eq(open.reg(0, region.out()), 0);
}
