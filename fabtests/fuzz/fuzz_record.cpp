// SPDX-License-Identifier: BSD-2-Clause
// The first page of somebody's region: whatever is accepted lies within the header that the record itself announces.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "fifo/anchor_record.h"
#include "target.h"

namespace {

using namespace anchor;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_contents(const AnchorContents& contents) {
  check(contents.header_size % kPageSize == 0 && contents.header_size >= kPageSize);
  check(contents.contact_offset % alignof(ContactEntry) == 0 && contents.contact_count <= kContactEntries);
  check(contents.contact_offset + contents.contact_count * sizeof(ContactEntry) <= contents.header_size);
  check(contents.notification_stride == 1 || contents.notification_stride == kCacheLine);
  check(contents.notification_count >= contents.contact_count);
  check(contents.notification_offset + std::uint64_t{contents.notification_count} * contents.notification_stride <=
        contents.header_size);
  check(contents.sleep_offset % alignof(SleepLine) == 0 && contents.sleep_offset >= sizeof(AnchorRecord) &&
        contents.sleep_offset + sizeof(SleepLine) <= contents.header_size);
}

}  // namespace

// The bytes are laid over a right record where they differ from zero: a page of the fuzzer's own is never accepted.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  alignas(kPageSize) static std::byte page[kPageSize];
  std::memset(page, 0, sizeof page);
  const EndpointName owner = EndpointName::from("anchor://owner");
  publish_anchor_record(page, owner, 1, {}, MemoryType::kCoherent);
  auto* bytes = reinterpret_cast<std::uint8_t*>(page);
  for (std::size_t i = 0; i < std::min(size, sizeof page); ++i) bytes[i] ^= input[i];
  AnchorContents contents{};
  const int error = read_anchor_record(page, owner, MemoryType::kCoherent, &contents);
  check(error == 0 || error == -EAGAIN || error == -EPROTO);
  if (error == 0) check_contents(contents);
  return 0;
}
