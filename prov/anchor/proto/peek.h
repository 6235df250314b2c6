// SPDX-License-Identifier: BSD-2-Clause
// FI_PEEK, FI_CLAIM and FI_DISCARD (fi_tagged(3)): looking for an unexpected message, reserving it, taking or dropping
// it.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// A receive with kPeek: completes at once, with ENOMSG as an error entry when nothing matches.
int peek_message(Exchange& exchange, const WorkRequest& work);

// A receive with kClaim alone (or kDiscard): takes the message that a peek with the same context reserved.
// -ENOMSG: there is none.
int receive_claimed(Exchange& exchange, const WorkRequest& work);

}  // namespace anchor
