// SPDX-License-Identifier: BSD-2-Clause
// Matching of hints, strictly: every value asked for is served exactly, or the offer is withdrawn and a line of the log
// (FI_LOG_LEVEL=info) says which hint was the cause. Addresses are info_address.h's.
#pragma once

#include <rdma/fabric.h>

#include <cstdint>

namespace anchor {

// Narrows `offer`, which holds all we can do, to what `hints` ask for. 0 or -FI_ENODATA.
int apply_hints(std::uint32_t version, const fi_info& hints, fi_info* offer) noexcept;

// The parts, by structure; each may be given nullptr for a part that was not hinted.
bool apply_caps(const fi_info& hints, fi_info* offer) noexcept;
bool apply_transmit_hints(const fi_tx_attr* hints, std::uint64_t caps, fi_tx_attr* offer) noexcept;
bool apply_receive_hints(const fi_rx_attr* hints, std::uint64_t caps, fi_rx_attr* offer) noexcept;
bool apply_endpoint_hints(std::uint32_t version, const fi_ep_attr* hints, fi_ep_attr* offer) noexcept;
bool apply_domain_hints(std::uint32_t version, const fi_domain_attr* hints, fi_domain_attr* offer) noexcept;
bool apply_fabric_hints(const fi_fabric_attr* hints, fi_fabric_attr* offer) noexcept;

}  // namespace anchor
