// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "../os/scratch_directory.h"
#include "dma/device.h"
#include "os/cacheline.h"
#include "os/unique_fd.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// A page of a file that has lost its name.
struct Page {
  Page() {
    const ScratchDirectory scratch;
    file = UniqueFd(::open(scratch.path().c_str(), O_TMPFILE | O_RDWR, 0600));
    cr_assert_eq(::ftruncate(file.get(), kPageSize), 0);
    cr_assert_eq(map_guarded(file.get(), 0, kPageSize, lost.get(), &address), 0);
  }
  Mapping mapping() const { return {address, kPageSize, lost}; }

  UniqueFd file;
  std::shared_ptr<LostFlag> lost = std::make_shared<LostFlag>(false);
  std::byte* address = nullptr;
};

bool is_mapped(std::byte* address) { return ::msync(address, kPageSize, MS_ASYNC) == 0; }

}  // namespace

Test(mapping, is_unmapped_once_at_its_end) {
  const Page page;
  {
    Mapping first = page.mapping();
    Mapping second(std::move(first));
    cr_assert_not(static_cast<bool>(first));
    cr_assert_eq(second.data(), page.address);
    cr_assert_eq(second.size(), kPageSize);
    cr_assert_not(second.lost());
    cr_assert(is_mapped(page.address));
  }
  cr_assert_not(is_mapped(page.address));
}

Test(mapping, an_empty_one_put_in_its_place_unmaps_it) {
  const Page page;
  Mapping mapping = page.mapping();
  mapping = Mapping();
  cr_assert_not(static_cast<bool>(mapping));
  cr_assert_not(is_mapped(page.address));
}

Test(mapping, knows_when_it_is_lost) {
  Page page;
  Mapping mapping = page.mapping();
  page.lost.reset();  // the mapping keeps what the handler writes to
  cr_assert_not(mapping.lost());
  cr_assert_eq(::ftruncate(page.file.get(), 0), 0);
  cr_assert(*const_cast<volatile std::byte*>(mapping.data()) == std::byte{0});
  Mapping moved;
  moved = std::move(mapping);
  cr_assert(moved.lost());
}
