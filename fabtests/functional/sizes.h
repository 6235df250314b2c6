// SPDX-License-Identifier: BSD-2-Clause
// Message sizes around every limit at which an implementation may change its way.
#pragma once

#include <cstddef>
#include <vector>

namespace anchor::fabtests {

inline std::vector<std::size_t> interesting_sizes() {
  std::vector<std::size_t> sizes = {0,    1,    7,    8,    9,    15,   16,   17,   31,  32,  33,   39,
                                    40,   41,   47,   48,   49,   55,   56,   57,   63,  64,  65,   127,
                                    128,  129,  191,  192,  193,  255,  256,  257,  511, 512, 1023, 1024,
                                    1025, 2047, 2048, 4095, 4096, 4097, 8191, 8192, 8193};
  for (std::size_t size = 12 * 1024; size <= 20 * 1024; size += 1023) sizes.push_back(size);
  for (const std::size_t size : {32u << 10, 64u << 10, 128u << 10, 256u << 10, 1u << 20, 4u << 20, 16u << 20}) {
    sizes.insert(sizes.end(), {size - 1, size, size + 1});
  }
  return sizes;
}

}  // namespace anchor::fabtests
