// SPDX-License-Identifier: BSD-2-Clause
#include "registry.h"

namespace anchor::fabtests {

std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}

}  // namespace anchor::fabtests
