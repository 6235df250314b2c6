// SPDX-License-Identifier: BSD-2-Clause
// fi_mr(3) for local access. Nothing has to be registered here (mr_mode 0), and nobody else can reach what is: the
// object is there for applications that register every buffer they send from.
#pragma once

#include <rdma/fi_domain.h>

namespace anchor {

extern fi_ops_mr memory_ops;

}  // namespace anchor
