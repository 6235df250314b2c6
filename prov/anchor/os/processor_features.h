// SPDX-License-Identifier: BSD-2-Clause
// Which instructions this processor knows beyond those that every one of its kind does. Asked for once; thread-safe.
#pragma once

namespace anchor {

struct ProcessorFeatures {
  bool clflushopt = false;
  bool clwb = false;
  bool cldemote = false;
};

const ProcessorFeatures& processor_features() noexcept;

}  // namespace anchor
