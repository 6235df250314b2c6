// SPDX-License-Identifier: BSD-2-Clause
#include "host_wish.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "common/check.h"
#include "common/deadline.h"

namespace anchor::fabtests {

void ask_host(const std::string& wish) {
  const char* job = std::getenv("FABTESTS_JOB");
  if (job == nullptr) skip("not in a guest");
  const std::string file = std::string(job) + "/wish", draft = file + ".new";
  std::ofstream(draft) << wish << std::flush;
  REQUIRE(std::rename(draft.c_str(), file.c_str()) == 0);  // the host sees all of it or nothing
  constexpr useconds_t kGlance = 10000;
  const Deadline patience(20);
  while (access(file.c_str(), F_OK) == 0) {
    REQUIRE(!patience.expired());
    usleep(kGlance);
  }
}

}  // namespace anchor::fabtests
