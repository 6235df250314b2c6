// SPDX-License-Identifier: BSD-2-Clause
// FI_WAIT_MUTEX_COND, as an application uses it.
#pragma once

#include <pthread.h>
#include <rdma/fi_eq.h>
#include <time.h>

#include "open_domain.h"

namespace anchor {

inline fi_mutex_cond condition_of(fid* object) {
  fi_mutex_cond condition{};
  cr_assert_eq(fi_control(object, FI_GETWAIT, &condition), 0);
  cr_assert(condition.mutex != nullptr && condition.cond != nullptr);
  return condition;
}

// Under the mutex.
inline int wait_half_a_minute(const fi_mutex_cond& condition) {
  timespec moment;
  ::clock_gettime(CLOCK_REALTIME, &moment);
  moment.tv_sec += 30;
  return ::pthread_cond_timedwait(condition.cond, condition.mutex, &moment);
}

// Until there is something to read.
inline void await_condition(const OpenDomain& open, fid* object, const fi_mutex_cond& condition) {
  ::pthread_mutex_lock(condition.mutex);
  while (fi_trywait(open.fabric.get(), &object, 1) == 0) cr_assert_eq(wait_half_a_minute(condition), 0);
  ::pthread_mutex_unlock(condition.mutex);
}

}  // namespace anchor
