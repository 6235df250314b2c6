// SPDX-License-Identifier: BSD-2-Clause
//
// Memory of an endpoint without peers, and of each connected peer: growth of the pages that this process has
// written, plus growth of its own files in shared memory. Pages shared with a peer count with the file's owner,
// once. Code touched for the first time is told apart: it is no endpoint's, and all processes share it.
#include <algorithm>
#include <string>

#include "crowd.h"
#include "shared_files.h"

namespace anchor::bench {
namespace {

struct Footprint {
  ResidentPages pages = resident_pages();
  SharedFiles files = shared_files_in_use();
};

// Growth of what was there before; of files that have come since, half, as either side may have made them,
// and those that the peers had all along not at all.
double shared_growth(const Footprint& before, const Footprint& after, const std::vector<std::uint64_t>& foreign) {
  double growth = 0;
  for (const auto& [inode, bytes] : after.files) {
    const auto known = before.files.find(inode);
    if (known != before.files.end())
      growth += static_cast<double>(bytes) - static_cast<double>(known->second);
    else if (std::find(foreign.begin(), foreign.end(), inode) == foreign.end())
      growth += static_cast<double>(bytes) / 2;
  }
  return growth;
}

double growth(std::uint64_t before, std::uint64_t after) {
  return static_cast<double>(after) - static_cast<double>(before);
}

// The whole, its two parts, and the libraries' pages, which are not in it.
void report_growth(Scene& scene, const std::string& name, std::size_t count, const ResidentPages& before,
                   const ResidentPages& after, double shared) {
  const double divisor = static_cast<double>(count);
  const double heap = growth(before.heap_bytes, after.heap_bytes);
  const double file = growth(before.file_bytes, after.file_bytes);
  scene.report.value((name + "_bytes").c_str(), count, (heap + shared) / divisor);
  scene.report.value((name + "_heap_bytes").c_str(), count, heap / divisor);
  scene.report.value((name + "_library_bytes").c_str(), count, file / divisor);
  scene.report.value((name + "_shared_bytes").c_str(), count, shared / divisor);
}

void lead(Scene& scene) {
  fi_freeinfo(find_provider(scene.options, {}));  // loads the providers: not the endpoint's cost
  const Footprint nothing;
  const Fabric fabric(scene.options);
  Endpoint endpoint(fabric);
  const Footprint opened;
  // Without peers every file is the endpoint's own.
  double shared = 0;
  for (const auto& [inode, bytes] : opened.files) shared += static_cast<double>(bytes);
  report_growth(scene, "endpoint", 1, nothing.pages, opened.pages, shared);

  CrowdLink crowd(scene.link);
  const std::vector<EndpointName> names = crowd.names();
  const std::vector<std::uint64_t> foreign = crowd.shared_files();
  crowd.introduce({endpoint.name()});
  const Footprint alone;
  crowd.attend(0, [&] { greet(endpoint, insert_all(endpoint, names)); });
  const Footprint connected;
  report_growth(scene, "peer", names.size(), alone.pages, connected.pages, shared_growth(alone, connected, foreign));
  crowd.dismiss();
}

}  // namespace

void measure_memory(Scene& scene) {
  if (scene.is_leader())
    lead(scene);
  else
    serve_crowd(scene.options, scene.options.memory_peers, scene.link);
}

}  // namespace anchor::bench
