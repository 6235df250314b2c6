# SPDX-License-Identifier: BSD-2-Clause
"""The ways in which Open MPI can take anchor, each with what proves in Open MPI's own output that anchor carried all
ranks, and with the way over Open MPI's own transports that it is judged beside.

One-sided operations go two ways. Over MTL OFI Open MPI makes messages of them (osc pt2pt). Over BTL OFI they are the
provider's own reads, writes and atomics (osc rdma)."""

import re
from collections.abc import Callable
from dataclasses import dataclass


class Unsound(Exception):
    """A program, or Open MPI, says itself that something is wrong."""


@dataclass(frozen=True)
class Transport:
    name: str
    arguments: tuple[str, ...]
    reference: tuple[str, ...]
    proof: Callable[[str, int], list[str]]  # lines of what was printed for so many ranks; raises Unsound


def settings(**parameters):
    return tuple(word for name, value in parameters.items() for word in ("--mca", name, value))


def lines_of(pattern, output, wanted, what):
    found = re.findall(f"^.*{pattern}.*$", output, re.MULTILINE)
    if len(found) != wanted:
        raise Unsound(f"Open MPI says for {len(found)} of {wanted} {what} that anchor carried them")
    return found


def proof_of_mtl(output, ranks):
    return lines_of("mtl:ofi:prov: anchor$", output, ranks, "ranks")


def proof_of_btl(output, ranks):
    """BTL OFI does not name its provider, but what it may take, and that it has got that. Nothing else that is allowed
    here can do atomics, and without them osc rdma does not take a transport: BTL TCP carries messages only."""
    return (lines_of('btl:ofi:provider_include = "anchor"$', output, ranks, "ranks") +
            lines_of("select: init of component ofi returned success$", output, ranks, "ranks"))


def proof_of_btl_alone(output, ranks):
    """The same, and nothing else is allowed at all but to talk to oneself."""
    return proof_of_btl(output, ranks) + lines_of("Using ofi btl for send to", output, ranks * (ranks - 1), "pairs")


# Talkative enough to tell which component and provider each rank has taken.
ANCHOR = settings(opal_common_ofi_verbose="10", mtl_base_verbose="10", btl_base_verbose="10")
OVER_MTL = settings(pml="cm", mtl="ofi", mtl_ofi_provider_include="anchor") + ANCHOR
OVER_BTL = settings(pml="ob1", osc="rdma", btl_ofi_provider_include="anchor") + ANCHOR

OWN = settings(pml="ob1", btl="self,vader")
# Open MPI 4.1.4's osc rdma crashes over vader.
OWN_ONE_SIDED = OWN + settings(osc="pt2pt")

MTL = Transport("mtl", OVER_MTL, OWN, proof_of_mtl)
MTL_ONE_SIDED = Transport("mtl", OVER_MTL + settings(osc="pt2pt"), OWN_ONE_SIDED, proof_of_mtl)
BTL = Transport("btl", OVER_BTL + settings(btl="self,tcp,ofi", btl_tcp_if_include="lo"), OWN_ONE_SIDED, proof_of_btl)
BTL_ALONE = Transport("btl-alone", OVER_BTL + settings(btl="self,ofi", btl_ofi_mode="2"), OWN_ONE_SIDED,
                      proof_of_btl_alone)
