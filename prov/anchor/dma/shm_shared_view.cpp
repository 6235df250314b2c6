// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_shared_view.h"

#include <sys/stat.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>

#include "os/cacheline.h"
#include "os/log.h"
#include "os/mapped_file.h"

namespace anchor {
namespace {

// A descriptor for the time being only: the mapping is all that is kept.
int open_file(int process, std::uint64_t address, std::uint64_t length, SharedSpan* span, UniqueFd* file,
              bool* writable) noexcept {
  if (const int error = find_shared_span(process, address, length, span)) return error;
  if (!span->readable) return -EACCES;
  if (const int error = open_mapped_file(process, *span, file, writable)) return error;
  // Until it was open, another file could get its number.
  SharedSpan now;
  if (const int error = find_shared_span(process, address, length, &now)) return error;
  if (!now.same_as(*span)) return -ENXIO;
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return -errno;
  // Touching what lies beyond the end is an error, and is told from the copy.
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return span->offset <= size && length <= size - span->offset ? 0 : -ENXIO;
}

int map_span(int file, const SharedSpan& span, std::uint64_t length, Touching touching,
             const std::shared_ptr<LostFlag>& lost, SharedView* view) noexcept {
  const std::uint64_t begin = span.offset - span.offset % kPageSize;
  const std::size_t bytes = round_up(span.offset + length, kPageSize) - begin;
  std::byte* address = nullptr;
  if (const int error = map_guarded(file, begin, bytes, lost.get(), &address, touching)) return error;
  view->mapping = Mapping(address, bytes, lost);
  view->first = address + (span.offset - begin);
  view->writable = touching == Touching::kReadWrite;
  return 0;
}

int open_view(int process, std::uint64_t address, std::uint64_t length, const std::shared_ptr<LostFlag>& lost,
              SharedView* view) noexcept {
  SharedSpan span;
  UniqueFd file;
  bool writable;
  if (const int error = open_file(process, address, length, &span, &file, &writable)) return error;
  SharedView mapped;
  int error = -EACCES;
  if (writable) error = map_span(file.get(), span, length, Touching::kReadWrite, lost, &mapped);
  // A sealed memfd may be opened for writing, but not mapped so.
  if (error != 0) error = map_span(file.get(), span, length, Touching::kReadOnly, lost, &mapped);
  if (error != 0) return error;
  // Who replaced our handler, or keeps the signal from us, may let a file that is cut short end this process. That risk
  // is not taken for speed.
  if (!is_guard_in_force()) return -EPERM;
  ANCHOR_INFO(kEndpoint, "%" PRIu64 " bytes of a peer's %s are mapped%s", length, span.path,
              mapped.writable ? "" : " for reading only");
  *view = std::move(mapped);
  return 0;
}

}  // namespace

int open_shared_view(int process, std::uint64_t address, std::uint64_t length, const std::shared_ptr<LostFlag>& lost,
                     SharedView* view) noexcept {
  const int error = open_view(process, address, length, lost, view);
  if (error != 0)
    ANCHOR_INFO(kEndpoint, "%" PRIu64 " bytes of a peer's memory are copied, not mapped: %s", length,
                std::strerror(-error));
  return error == -EMFILE || error == -ENFILE ? -EAGAIN : error;
}

}  // namespace anchor
