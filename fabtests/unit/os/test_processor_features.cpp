// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "os/processor_features.h"

using namespace anchor;

// The kernel names what it knows of; an old one does not know of all.
Test(processor_features, what_the_kernel_names_is_known) {
  std::ifstream processors("/proc/cpuinfo");
  std::set<std::string> named;
  for (std::string line; std::getline(processors, line);) {
    std::istringstream words(line);
    for (std::string word; words >> word;) named.insert(word);
  }
  cr_assert(!named.empty());
  const ProcessorFeatures& known = processor_features();
  cr_assert(known.clflushopt || named.count("clflushopt") == 0);
  cr_assert(known.clwb || named.count("clwb") == 0);
  cr_assert(known.cldemote || named.count("cldemote") == 0);
}
