// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

#include "abi/av.h"
#include "abi/av_ops.h"
#include "open_domain.h"

using namespace anchor;

namespace {

struct Vector {
  explicit Vector(
      std::uint64_t flags = 0, const std::function<void(fi_info&)>& wish = [](fi_info&) {})
      : open(wish) {
    fi_av_attr attr{};
    attr.flags = flags;
    cr_assert_eq(fi_av_open(open.domain.get(), &attr, av.out(), nullptr), 0);
  }
  OpenDomain open;
  Opened<fid_av> av;
};

int open_with(const std::function<void(fi_av_attr&)>& wish) {
  const OpenDomain open;
  fi_av_attr attr{};
  wish(attr);
  fid_av* av = nullptr;
  const int status = fi_av_open(open.domain.get(), &attr, &av, nullptr);
  if (status == 0) fi_close(&av->fid);
  return status;
}

}  // namespace

Test(av, attributes) {
  char name[] = "shared";
  cr_assert_eq(open_with([](fi_av_attr&) {}), 0);
  cr_assert_eq(open_with([&](fi_av_attr& a) { a.name = name; }), -FI_ENOSYS);
  cr_assert_eq(open_with([](fi_av_attr& a) { a.flags = FI_READ; }), -FI_ENOSYS);
  cr_assert_eq(open_with([](fi_av_attr& a) { a.rx_ctx_bits = 1; }), -FI_ENOSYS);
  cr_assert_eq(open_with([](fi_av_attr& a) { a.flags = FI_MORE; }), -FI_EBADFLAGS);
  cr_assert_eq(open_with([](fi_av_attr& a) { a.type = static_cast<fi_av_type>(3); }), -FI_EINVAL);
}

Test(av, an_address_is_looked_up_as_it_was_inserted) {
  Vector vector(0, [](fi_info& h) { h.addr_format = FI_SOCKADDR_IN; });
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  fi_addr_t inserted = FI_ADDR_NOTAVAIL;
  cr_assert_eq(fi_av_insert(vector.av.get(), &address, 1, &inserted, 0, nullptr), 1);
  sockaddr_in found{};
  std::size_t size = sizeof(found);
  cr_assert_eq(fi_av_lookup(vector.av.get(), inserted, &found, &size), 0);
  cr_assert_eq(std::memcmp(&found, &address, sizeof(found)), 0);
  cr_assert_eq(fi_av_remove(vector.av.get(), &inserted, 1, 0), 0);
  cr_assert_eq(fi_av_lookup(vector.av.get(), inserted, &found, &size), -FI_EINVAL);
}

Test(av, flags_of_insertion) {
  Vector vector;
  fi_addr_t address = 0;
  int error = 1;
  cr_assert_eq(fi_av_insert(vector.av.get(), "anchor://a", 1, &address, FI_PEEK, nullptr), -FI_EBADFLAGS);
  cr_assert_eq(fi_av_insert(vector.av.get(), "anchor://a", 1, &address, FI_SYNC_ERR, nullptr), -FI_EINVAL);
  cr_assert_eq(fi_av_insert(vector.av.get(), "anchor://a", 1, &address, FI_AV_USER_ID, nullptr), -FI_EINVAL);
  cr_assert_eq(fi_av_insert(vector.av.get(), "anchor://a", 1, &address, FI_MORE | FI_SYNC_ERR, &error), 1);
  cr_assert_eq(error, 0);
}

// libfabric 1.20's way: the vector is opened with the flag, and each address is given its identifier later.
Test(av, identifiers_by_call) {
  Vector vector(FI_AV_USER_ID);
  const auto* ops = reinterpret_cast<const AvOps*>(vector.av->ops);
  SetUserId set_user_id;
  std::memcpy(&set_user_id, reinterpret_cast<const std::byte*>(ops) + sizeof(void*) * 10, sizeof(set_user_id));
  cr_assert_geq(vector.av->ops->size, sizeof(void*) * 11);
  fi_addr_t address = 0;
  cr_assert_eq(fi_av_insert(vector.av.get(), "anchor://a", 1, &address, 0, nullptr), 1);
  const AddressVector& addresses = Av::from(vector.av.get()).addresses();
  cr_assert_eq(addresses.reported(address), FI_ADDR_NOTAVAIL);
  cr_assert_eq(set_user_id(vector.av.get(), address, 77, 0), 0);
  cr_assert_eq(addresses.reported(address), 77u);
  cr_assert_eq(set_user_id(vector.av.get(), address + 1, 77, 0), -FI_EINVAL);
}

Test(av, an_asynchronous_vector_needs_its_queue) {
  Vector vector(FI_EVENT);
  fi_addr_t address = 0;
  cr_assert_eq(fi_av_insert(vector.av.get(), "anchor://a", 1, &address, 0, nullptr), -FI_ENOEQ);
  Vector synchronous;
  Opened<fid_eq> eq;
  fi_eq_attr attr{};
  cr_assert_eq(fi_eq_open(synchronous.open.fabric.get(), &attr, eq.out(), nullptr), 0);
  cr_assert_eq(fi_av_bind(synchronous.av.get(), eq.fid(), 0), -FI_EINVAL);
}
