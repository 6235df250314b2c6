// SPDX-License-Identifier: BSD-2-Clause
// One fuzz target a program. clang's -fsanitize=fuzzer brings a main() that looks for new inputs; replay.cpp is the
// main() that goes through the committed ones with any compiler.
#pragma once

#include <cstddef>
#include <cstdint>

// Any bytes. A finding is a crash or a sanitizer's report; the result is 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size);
