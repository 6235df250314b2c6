// SPDX-License-Identifier: BSD-2-Clause
// First contact: a request for a connection, left in the contact table of the endpoint that is asked.
//
// The requester owns its entry by a kernel-held lock (RemoteRegion::claim_contact), so the entry has one writer. The
// reader takes a copy between two looks at `state` and trusts none of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fifo/anchor_record.h"
#include "fifo/fifo_layout.h"

namespace anchor {

struct ContactRequest {
  EndpointName requester;
  std::uint64_t requester_incarnation;
  BlockDescriptor block;  // in the requester's region, granted to the endpoint that is asked
};

// Writes a request into entry `index` of the header of a peer. The bell of that entry is to be rung afterwards.
// `memory`: of that header.
void post_contact(std::byte* peer_header, const AnchorContents& contents, std::uint32_t index,
                  const ContactRequest& request, MemoryType memory = MemoryType::kCoherent) noexcept;

// Copies entry `index` of our own header. False: empty, or being rewritten (its bell will ring again).
bool read_contact(const std::byte* own_header, std::uint32_t index, ContactRequest* request,
                  MemoryType memory = MemoryType::kCoherent) noexcept;

}  // namespace anchor
