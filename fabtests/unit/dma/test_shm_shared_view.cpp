// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <cstring>

#include "../os/child_process.h"
#include "../os/shared_file.h"
#include "dma/shm_shared_view.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Viewed {
  int open(std::size_t page, std::uint64_t offset, std::uint64_t length) {
    return open_shared_view(folder.get(), pages.address(page) + offset, length, lost, &view);
  }

  Pages pages{8};
  UniqueFd folder = own_folder();
  std::shared_ptr<LostFlag> lost = std::make_shared<LostFlag>(false);
  SharedView view;
};

}  // namespace

Test(shm_shared_view, what_one_process_stores_the_other_loads) {
  const UniqueFd file = nameless_file(10);
  Pages pages(8);
  pages.put(1, 5, file, 2);
  Child child([&](const Meeting& meeting) {
    meeting.tell();
    meeting.await();
    std::memcpy(pages.at(3), "answer", 7);
    return std::strcmp(reinterpret_cast<char*>(pages.at(2) + 50), "question");
  });
  cr_assert(child.await());
  const UniqueFd folder(::open(("/proc/" + std::to_string(child.pid())).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto lost = std::make_shared<LostFlag>(false);
  SharedView view;
  cr_assert_eq(open_shared_view(folder.get(), pages.address(2) + 50, 2 * kFilePage, lost, &view), 0);
  cr_assert(view.writable);
  cr_assert_neq(view.first, pages.at(2) + 50, "a mapping of our own");
  std::memcpy(view.first, "question", 9);
  child.tell();
  cr_assert_eq(child.join(), 0);
  cr_assert_str_eq(reinterpret_cast<char*>(view.first + kFilePage - 50), "answer");
}

Test(shm_shared_view, private_memory_is_only_copied) {
  Viewed viewed;
  cr_assert_eq(viewed.open(0, 0, 100), -ENXIO);
  cr_assert_null(viewed.view.first);
  const UniqueFd file = nameless_file(1);
  viewed.pages.put(1, 1, file, 0);
  cr_assert_eq(viewed.open(0, 0, 2 * kFilePage), -ENXIO);
  cr_assert_eq(viewed.open(1, 0, kFilePage), 0);
}

Test(shm_shared_view, a_file_that_ends_before_is_not_mapped) {
  const UniqueFd file = nameless_file(4);
  Viewed viewed;
  viewed.pages.put(0, 4, file, 0);
  cr_assert_eq(::ftruncate(file.get(), kFilePage + 10), 0);
  cr_assert_eq(viewed.open(1, 0, 11), -ENXIO);
  cr_assert_eq(viewed.open(2, 0, 1), -ENXIO);
  cr_assert_eq(viewed.open(1, 0, 10), 0);
}

Test(shm_shared_view, one_that_is_cut_later_is_told_of) {
  const UniqueFd file = nameless_file(4);
  Viewed viewed;
  viewed.pages.put(0, 4, file, 0);
  cr_assert_eq(viewed.open(1, 0, kFilePage), 0);
  cr_assert_eq(::ftruncate(file.get(), 0), 0);
  std::memset(viewed.view.first, 1, kFilePage);
  cr_assert(viewed.lost->load());
}

Test(shm_shared_view, what_may_only_be_read_is_mapped_for_reading) {
  const UniqueFd file = nameless_file(1);
  Viewed viewed;
  viewed.pages.put(0, 1, file, 0, PROT_READ);
  cr_assert_eq(viewed.open(0, 0, 8), 0);
  cr_assert_not(viewed.view.writable);
  viewed.pages.put(1, 1, file, 0, PROT_WRITE);
  cr_assert_eq(viewed.open(1, 0, 8), -EACCES);
}

Test(shm_shared_view, a_sealed_file_is_mapped_for_reading) {
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
  const UniqueFd file = nameless_file(1, MFD_ALLOW_SEALING);
  Viewed viewed;
  viewed.pages.put(0, 1, file, 0);
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0) cr_skip_test("this kernel does not know that seal");
  *viewed.pages.at(0) = std::byte{7};
  cr_assert_eq(viewed.open(0, 0, 8), 0);
  cr_assert_not(viewed.view.writable);
  cr_assert(*viewed.view.first == std::byte{7});
}

Test(shm_shared_view, no_handler_no_mapping) {
  const UniqueFd file = nameless_file(1);
  Viewed viewed;
  viewed.pages.put(0, 1, file, 0);
  SharedView first;
  cr_assert_eq(open_shared_view(viewed.folder.get(), viewed.pages.address(0), 8, viewed.lost, &first), 0);
  struct sigaction ours {
  }, before{};
  ours.sa_handler = SIG_DFL;
  cr_assert_eq(::sigaction(SIGBUS, &ours, &before), 0);
  cr_assert_eq(viewed.open(0, 0, 8), -EPERM);
  cr_assert_eq(::sigaction(SIGBUS, &before, nullptr), 0);
  sigset_t bus;
  sigemptyset(&bus);
  sigaddset(&bus, SIGBUS);
  cr_assert_eq(pthread_sigmask(SIG_BLOCK, &bus, nullptr), 0);
  cr_assert_eq(viewed.open(0, 0, 8), -EPERM);
  cr_assert_eq(pthread_sigmask(SIG_UNBLOCK, &bus, nullptr), 0);
  cr_assert_eq(viewed.open(0, 0, 8), 0);
}
