// SPDX-License-Identifier: BSD-2-Clause
// The entry of the plugin: fi_prov_ini, the only symbol it exports (fi_provider(7)).
#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include "abi/fabric.h"
#include "abi/info.h"
#include "abi/log_sink.h"
#include "abi/parameters.h"
#include "abi/provider.h"
#include "core/completion_flags.h"
#include "core/work_request.h"
#include "os/endpoint_name.h"
#include "os/status.h"

namespace anchor {
namespace {

// The layers below repeat these numbers instead of including a fabric header.
static_assert(kTooSmall == FI_ETOOSMALL && kErrorAvailable == FI_EAVAIL);
static_assert(kTruncated == FI_ETRUNC && kOverrun == FI_EOVERRUN);
static_assert(kCompletionMessage == FI_MSG && kCompletionTagged == FI_TAGGED);
static_assert(kCompletionReceive == FI_RECV && kCompletionSend == FI_SEND);
static_assert(kCompletionRma == FI_RMA && kCompletionAtomic == FI_ATOMIC);
static_assert(kCompletionRead == FI_READ && kCompletionWrite == FI_WRITE);
static_assert(kCompletionRemoteRead == FI_REMOTE_READ && kCompletionRemoteWrite == FI_REMOTE_WRITE);
static_assert(kCompletionMultiReceive == FI_MULTI_RECV && kCompletionRemoteData == FI_REMOTE_CQ_DATA);
static_assert(kAnyAddress == FI_ADDR_UNSPEC && kAnyAddress == FI_ADDR_NOTAVAIL);
static_assert(kNameSize == FI_NAME_MAX);

void cleanup() noexcept {}

fi_provider the_provider{
    .version = kProviderVersion,
    .fi_version = 0,  // filled in by fi_prov_ini
    .context = {},
    .name = kProviderName,
    .getinfo = get_info,
    .fabric = open_fabric,
    .cleanup = cleanup,
};

}  // namespace

fi_provider& provider() noexcept { return the_provider; }

}  // namespace anchor

extern "C" FI_EXT_INI {
  using namespace anchor;
  // An application that asks for its own library's version is only shown providers that claim at least that version,
  // and every version up to the running library's is served alike.
  the_provider.fi_version = fi_version();
  install_log_sink();
  define_parameters();
  return &the_provider;
}
