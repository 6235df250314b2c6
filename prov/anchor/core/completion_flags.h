// SPDX-License-Identifier: BSD-2-Clause
// Bits of Completion::flags. They have libfabric's values, so that abi/cq_format.h copies them verbatim;
// abi/plugin.cpp asserts the equality (nothing below abi/ includes a fabric header).
#pragma once

#include <cstdint>

namespace anchor {

enum CompletionFlag : std::uint64_t {
  kCompletionMessage = 1ull << 1,        // FI_MSG
  kCompletionRma = 1ull << 2,            // FI_RMA
  kCompletionTagged = 1ull << 3,         // FI_TAGGED
  kCompletionAtomic = 1ull << 4,         // FI_ATOMIC
  kCompletionRead = 1ull << 8,           // FI_READ
  kCompletionWrite = 1ull << 9,          // FI_WRITE
  kCompletionReceive = 1ull << 10,       // FI_RECV
  kCompletionSend = 1ull << 11,          // FI_SEND
  kCompletionRemoteRead = 1ull << 12,    // FI_REMOTE_READ
  kCompletionRemoteWrite = 1ull << 13,   // FI_REMOTE_WRITE
  kCompletionMultiReceive = 1ull << 16,  // FI_MULTI_RECV: the buffer is the application's again
  kCompletionRemoteData = 1ull << 17,    // FI_REMOTE_CQ_DATA
};

}  // namespace anchor
