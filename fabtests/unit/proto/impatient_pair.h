// SPDX-License-Identifier: BSD-2-Clause
// Both sides stepped by hand: the initiator (a) alone, until it has lost its patience, or the target (b) alone.
#pragma once

#include <memory>
#include <vector>

#include "exposed_pair.h"

namespace anchor::unit {

inline constexpr unsigned kPatient = 100;     // passes that nobody minds
inline constexpr unsigned kImpatient = 1000;  // passes that are too many

struct ImpatientPair : ExposedPair {
  using ExposedPair::ExposedPair;

  // Of one byte, at `position`.
  void write(char value, std::size_t position = 0, std::uint32_t flags = kWantCompletion) {
    sent.push_back(std::make_unique<char>(value));
    cr_assert_eq(a.access(WorkType::kWrite, to_b, {position, 1, 1}, sent.back().get(), flags), 0);
  }
  // A message behind a write, which `got` is for.
  void write_and_send(char value, char* got) {
    cr_assert_eq(b.receive(got, 1), 0);
    write(value);
    cr_assert_eq(a.send(to_b, "s", 1), 0);
  }
  void read(char* to, std::size_t position = 0) {
    cr_assert_eq(a.access(WorkType::kRead, to_b, {position, 1, 1}, to), 0);
  }
  std::size_t pending() { return at_a().withdrawable.size(); }
  // Of b's block, as a third party sees it.
  SharedWord& gate() { return head(b, at_b()).status.gate; }

  std::vector<std::unique_ptr<char>> sent;
};

}  // namespace anchor::unit
