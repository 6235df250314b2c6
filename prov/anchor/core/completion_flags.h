// SPDX-License-Identifier: BSD-2-Clause
// Bits of Completion::flags. They have libfabric's values, so that abi/cq_format.h copies them verbatim;
// abi/plugin.cpp asserts the equality (nothing below abi/ includes a fabric header).
#pragma once

#include <cstdint>

namespace anchor {

enum CompletionFlag : std::uint64_t {
  kCompletionMessage = 1ull << 1,        // FI_MSG
  kCompletionTagged = 1ull << 3,         // FI_TAGGED
  kCompletionReceive = 1ull << 10,       // FI_RECV
  kCompletionSend = 1ull << 11,          // FI_SEND
  kCompletionMultiReceive = 1ull << 16,  // FI_MULTI_RECV: the buffer is the application's again
  kCompletionRemoteData = 1ull << 17,    // FI_REMOTE_CQ_DATA
};

}  // namespace anchor
