// SPDX-License-Identifier: BSD-2-Clause
#include "contender.h"

#include <sched.h>

#include <cerrno>

#include "verdicts.h"

namespace anchor::stress {

void Contender::carry_out(const Operation& what, std::size_t offset, const Values& values) {
  const std::size_t length = values.length;
  const iovec operands{values.operand, length}, compares{values.compare, length}, results{values.result, length};
  const RemoteTarget target{offset, length, key_};
  Call call;
  const AtomicWork work{.remote = {.base = {.type = what.family,
                                            .flags = kWantCompletion,
                                            .segment_count = what.operation == AtomicOperation::kRead ? 0u : 1u,
                                            .segments = &operands,
                                            .length = length,
                                            .address = target_,
                                            .tag = 0,
                                            .ignore = 0,
                                            .data = 0,
                                            .context = &call},
                                   .target_count = 1,
                                   .targets = &target},
                        .type = what.type,
                        .operation = what.operation,
                        .compare_count = values.compare != nullptr ? 1u : 0u,
                        .result_count = values.result != nullptr ? 1u : 0u,
                        .compares = &compares,
                        .results = &results};
  int error;
  const Deadline deadline(60);
  while ((error = party_.endpoint().submit_atomic(work)) == -EAGAIN && !deadline.expired())
    if (party_.poll() == 0) sched_yield();
  if (expect(error == 0, "an operation is taken", error) && expect(party_.wait(call, 60), "an operation ends"))
    expect(call.error == 0, "an operation succeeds", call.error);
}

std::uint64_t Contender::fetch(AtomicOperation operation, std::size_t offset, std::uint64_t operand) {
  std::uint64_t result = 0;
  carry_out({WorkType::kFetchAtomic, AtomicType::kUint64, operation}, offset, {&operand, nullptr, &result, 8});
  return result;
}

void Contender::swap_up(std::size_t offset) {
  std::uint64_t seen = fetch(AtomicOperation::kRead, offset, 0);
  for (;;) {
    std::uint64_t next = seen + 1, result = 0;
    carry_out({WorkType::kCompareAtomic, AtomicType::kUint64, AtomicOperation::kSwapIfEqual}, offset,
              {&next, &seen, &result, 8});
    if (result == seen) return;
    seen = result;
  }
}

}  // namespace anchor::stress
