// SPDX-License-Identifier: BSD-2-Clause
//
// How every exchange of messages is measured: a checked trial, which also tells how many repetitions make up
// the time of a point, then a few stretches of repetitions until that time is up (a busy machine may take far
// longer than the trial promised). Both processes call measure_exchange() with the same kind of Game.
#pragma once

#include <algorithm>
#include <concepts>
#include <stdexcept>

#include "connection.h"

namespace anchor::bench {

// One side's calls. A repetition is what the leader takes one lap for, or `repetitions_in_a_lap()` of them.
template <typename Game>
concept Exchange = requires(Game game, std::uint64_t repetitions, Stopwatch& stopwatch, double nanoseconds) {
  { game.received() } -> std::convertible_to<ConstBytes>;  // memory that the content arrives in here, if any
  game.post_first();                                       // the peer's first receives, before the leader may start
  game.lead(repetitions, stopwatch);                       // the leader's part
  game.follow(repetitions);                                // the peer's
  game.choose_lap(nanoseconds);                            // the leader's, once it knows what a repetition takes
  { game.repetitions_in_a_lap() } -> std::convertible_to<std::uint64_t>;
};

inline constexpr std::uint64_t kStretches = 8;
inline constexpr std::uint64_t kMostInStretch = 20000;

// Repetitions between two stamps: one, or of the quickest several, as some processors' counters advance in steps
// of 10 ns and reading them takes about as long.
inline std::uint64_t lap_for(double repetition_nanoseconds) {
  constexpr double kQuickNanoseconds = 2000;
  constexpr std::uint64_t kQuickLap = 8;
  return repetition_nanoseconds < kQuickNanoseconds ? kQuickLap : 1;
}

template <Exchange Game>
void play(Scene& scene, Connection& connection, Game& game, std::uint64_t repetitions, Stopwatch& stopwatch) {
  if (!scene.is_leader()) game.post_first();
  connection.meet();
  if (scene.is_leader())
    game.lead(repetitions, stopwatch);
  else
    game.follow(repetitions);
  connection.meet();
}

// The leader's choice, after the trial: whole laps that fill a stretch.
template <Exchange Game>
std::uint64_t choose_stretch(const Options& options, Game& game, double repetition_nanoseconds) {
  game.choose_lap(repetition_nanoseconds);
  const double wanted = options.milliseconds * 1e6 / (repetition_nanoseconds + 1) / kStretches;
  const std::uint64_t lap = game.repetitions_in_a_lap();
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, kMostInStretch) / lap * lap + lap;
}

// Nanoseconds of a repetition in the leader; zeros in the peer. `trial` repetitions come first; throws if a
// message of `size` bytes has then not arrived with the content that it was sent with.
template <Exchange Game>
Percentiles measure_exchange(Scene& scene, Connection& connection, Game& game, std::size_t size, std::uint64_t trial) {
  fill(connection.outgoing().first(size), size);
  Stopwatch trial_time(trial);
  play(scene, connection, game, trial, trial_time);
  if (!holds(game.received(), size)) throw std::runtime_error("a message arrived with other content");

  const std::uint64_t stretch =
      connection.agree(scene.is_leader() ? choose_stretch(scene.options, game, trial_time.quickest_nanoseconds()) : 0);
  Stopwatch stopwatch(scene.is_leader() ? kStretches * stretch : 0);
  const std::uint64_t end = steady_nanoseconds() + scene.options.milliseconds * std::uint64_t{1'000'000};
  for (std::uint64_t i = 0; connection.agree(i == 0 || (i < kStretches && steady_nanoseconds() < end)); ++i)
    play(scene, connection, game, stretch, stopwatch);
  return stopwatch.nanoseconds(static_cast<double>(game.repetitions_in_a_lap()));
}

}  // namespace anchor::bench
