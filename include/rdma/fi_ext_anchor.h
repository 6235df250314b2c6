// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the anchor provider offers beyond libfabric's own interface: memory in the window that hosts share. See
 * fi_anchor(7).
 *
 *     struct fi_anchor_window_ops *window;
 *     if (fi_open_ops(&domain->fid, FI_ANCHOR_WINDOW_OPS, 0, (void **) &window, NULL) == 0)
 *             err = window->allocate(domain, length, 0, &buffer);
 *
 * fi_open_ops fails with -FI_ENOSYS where the domain's device has no such memory. The shm device's needs none, since
 * what is registered there is written to and read directly wherever it lies; and a window whose memory is not coherent
 * gives none.
 */
#ifndef FI_EXT_ANCHOR_H
#define FI_EXT_ANCHOR_H

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FI_ANCHOR_WINDOW_OPS "anchor window ops"

/* What the domain's window has for it. */
struct fi_anchor_window_attr {
  uint64_t size;        /* bytes of this host's partition, for whatever purpose */
  uint64_t available;   /* of them free, for endpoints of this host as well */
  uint64_t longest;     /* of those in a row: what one allocation can get */
  uint64_t allocated;   /* by this domain, and not freed */
  uint64_t granularity; /* lengths are rounded up to a multiple of this */
  uint32_t host;        /* which of the window's hosts this one is, from 0 */
  uint32_t hosts;
};

/* Where an address lies. */
struct fi_anchor_window_range {
  void* start; /* as allocate() gave it */
  size_t len;  /* rounded up */
};

/*
 * All functions return 0 or a negated libfabric error code, and may be called from several threads at once. Look at
 * size before using a member: later versions of the provider append some.
 */
struct fi_anchor_window_ops {
  size_t size;

  /*
   * len bytes at least, zeroed and aligned to pages, in this host's partition. They are the domain's until free()
   * or until it is closed. No flags are defined.
   * -FI_ENOSPC: the window is full; a warning says how much is free. -FI_EINVAL: no length. -FI_EBADFLAGS.
   */
  int (*allocate)(struct fid_domain* domain, size_t len, uint64_t flags, void** addr);

  /*
   * Gives back what allocate() gave; its regions are to be closed first. -FI_EINVAL: addr is not of that kind.
   */
  int (*free)(struct fid_domain* domain, void* addr);

  /* Fills *attr. */
  int (*query)(struct fid_domain* domain, struct fi_anchor_window_attr* attr);

  /* Which allocation an address belongs to. -FI_ENOENT: none of this domain's. */
  int (*find)(struct fid_domain* domain, const void* addr, struct fi_anchor_window_range* range);
};

#ifdef __cplusplus
}
#endif

#endif /* FI_EXT_ANCHOR_H */
