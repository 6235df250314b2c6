// SPDX-License-Identifier: BSD-2-Clause
// The hot side of a device: how bytes and words get into memory that another endpoint reads. A FIFO is a template over
// its Port, so that each call here is inlined into a store.
//
// put() moves bytes whose order does not matter; publish() then makes them visible: whoever load()s the published value
// sees every byte put before. Neither waits for the other side. stream() is a put() for many bytes that leaves them in
// no cache of ours. Where memory is not coherent that holds for bytes of the published word's own line, and for those
// of other lines that written() was called for, and that the reader refresh()es before it looks at them.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace anchor {

template <class P>
concept Port = requires(void* to, const void* from, std::size_t size, std::atomic<std::uint64_t>& word,
                        const std::atomic<std::uint64_t>& source, std::uint64_t value) {
  { P::put(to, from, size) }
  noexcept;
  { P::stream(to, from, size) }
  noexcept;
  { P::written(from, size) }
  noexcept;
  { P::publish(word, value) }
  noexcept;
  // A word that orders nothing.
  { P::hint(word, value) }
  noexcept;
  { P::load(source) }
  noexcept->std::same_as<std::uint64_t>;
  { P::refresh(from, size) }
  noexcept;
  // Plain loads find what others have stored, too.
  { P::kCoherent } -> std::convertible_to<bool>;
};

}  // namespace anchor
