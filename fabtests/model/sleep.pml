/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Going to sleep without missing a message: the protocol of prov/anchor/fifo/sleep_line.h (FORMAT.md, "Sleeping and
 * waking"), for spin. The labels S1 to S7 and W1 to W5 are the steps named there.
 *
 * Memory is that of a processor with store buffers (x86, and what relaxed C++ atomics allow elsewhere): a store goes
 * into the buffer of its process and reaches memory later, at any moment; its own loads see it at once. A fence empties
 * one's own buffer, a global barrier (membarrier) everybody's.
 *
 * Checked: every message that a living writer finished sending is received by a reader that lives; nobody blocks for
 * ever. With DEATH a writer may be killed between any two steps,
 * and what it had published must still be received: that is what the alarm is for. The reader may die at any moment too:
 * writers must end all the same.
 *
 * With DISTANT reader and writers are on different hosts of a window: a buffer is then the way to the other one's memory,
 * and no fence or barrier empties it. The reader wakes when its board changed since S1, and in S7, for which time is
 * modelled by what it is long enough for: `polled` has arrived, and so has what was published before a look at its former
 * value.
 *
 *   -DBROKEN_NO_BARRIER, -DBROKEN_NO_FENCE, -DBROKEN_NO_SECOND_LOOK, and with DISTANT -DBROKEN_NO_LATER_LOOK
 *                                 must fail: the check is able to find it
 */
#define WRITERS 2
#ifndef SECOND
#define SECOND 0 /* messages of the second writer */
#endif
#define MESSAGES(w) (w == 0 -> 2 : SECOND)

/* Memory that both sides see. */
byte published[WRITERS]; /* the FIFO: messages written so far */
bool polled[WRITERS];
byte bell[WRITERS]; /* the board */
byte epoch;
byte in_pipe; /* bytes in it */

/* One place of store buffer for each shared word and its writer. */
byte buffered_published[WRITERS];
bool has_published[WRITERS];
byte buffered_bell[WRITERS];
bool has_bell[WRITERS];
bool buffered_polled[WRITERS];
bool has_polled[WRITERS];
byte buffered_epoch;
bool has_epoch;

/* The last store to `published` is on its way, and nobody rings for it. */
bool unnoticed[WRITERS];
#define settled (!has_polled[0] && !has_polled[1] && !unnoticed[0] && !unnoticed[1])

/* Private to the reader, and to each writer. */
byte received[WRITERS], heard[WRITERS];
byte woken[WRITERS];
bool finished[WRITERS], dead[WRITERS];

/* Buffers are emptied in order: the slot before the bell, the words before the epoch. */
inline flush_writer(w) {
  if :: has_published[w] -> published[w] = buffered_published[w]; has_published[w] = false; unnoticed[w] = false :: else fi;
  if :: has_bell[w] -> bell[w] = buffered_bell[w]; has_bell[w] = false :: else fi
}
inline flush_reader() {
  byte f = 0;
  do
  :: f < WRITERS ->
     if :: has_polled[f] -> polled[f] = buffered_polled[f]; has_polled[f] = false :: else fi;
     f++
  :: else -> break
  od;
  if :: has_epoch -> epoch = buffered_epoch; has_epoch = false :: else fi
}

/* What the hardware does when it likes: one buffered store reaches memory. */
active proctype memory() {
end:
  do
  :: atomic { has_published[0] -> published[0] = buffered_published[0]; has_published[0] = false; unnoticed[0] = false }
  :: atomic { has_published[1] -> published[1] = buffered_published[1]; has_published[1] = false; unnoticed[1] = false }
  :: atomic { has_bell[0] && !has_published[0] -> bell[0] = buffered_bell[0]; has_bell[0] = false }
  :: atomic { has_bell[1] && !has_published[1] -> bell[1] = buffered_bell[1]; has_bell[1] = false }
  :: atomic { has_polled[0] -> polled[0] = buffered_polled[0]; has_polled[0] = false }
  :: atomic { has_polled[1] -> polled[1] = buffered_polled[1]; has_polled[1] = false }
  :: atomic { has_epoch && !has_polled[0] && !has_polled[1] -> epoch = buffered_epoch; has_epoch = false }
  od
}

#ifdef DEATH
#define MAY_DIE(w) if :: dead[w] = true; goto gone :: skip fi;
#else
#define MAY_DIE(w)
#endif

active [WRITERS] proctype writer() {
  byte w = _pid - 1; /* memory is process 0 */
  byte number = 0;
  byte rings = 0;
  byte seen;
  do
  :: number == MESSAGES(w) -> break
  :: number < MESSAGES(w) ->
     number++;
     /* W1; the buffer has one place, an older store leaves it first. */
     atomic {
       if :: has_published[w] -> published[w] = buffered_published[w] :: else fi;
       buffered_published[w] = number;
       has_published[w] = true;
       unnoticed[w] = false
     }
     MAY_DIE(w)
     if
     :: atomic { polled[w] -> unnoticed[w] = has_published[w] } /* W2 */
     :: !polled[w] ->
        rings++;
        atomic { /* W3 */
          if :: has_bell[w] -> flush_writer(w) :: else fi;
          buffered_bell[w] = rings;
          has_bell[w] = true
        }
        MAY_DIE(w)
#ifndef DISTANT
#ifndef BROKEN_NO_FENCE
        atomic { flush_writer(w) } /* W4 */
#endif
        seen = epoch;
        MAY_DIE(w)
        if
        :: seen % 2 == 1 && seen != woken[w] ->
           atomic { /* W5 */
             woken[w] = seen;
             in_pipe++
           }
        :: else
        fi
#endif
     fi
  od;
  finished[w] = true;
gone:
  skip
}

#define all_received (received[0] == MESSAGES(0) && received[1] == MESSAGES(1))
#define ended(w) ((dead[w] || finished[w]) && !has_published[w])
/* Nobody is left to send anything, and what the dead had published is here. */
#define nothing_left (ended(0) && ended(1) && received[0] == published[0] && received[1] == published[1])

active proctype reader() {
  byte i;
  bool found, flipped, polls = false;
  byte now = 0;
#ifdef DISTANT
  byte before[WRITERS];
  bool later = false;
#endif
  do
  :: all_received || nothing_left -> break
  :: !(all_received || nothing_left) ->
     /* Awake: now and then it tells its peers that it polls (perk_up). */
     if
     :: !polls ->
        atomic {
          flush_reader();
          polls = true;
          i = 0;
          do :: i < WRITERS -> buffered_polled[i] = true; has_polled[i] = true; i++ :: else -> break od
        }
     :: skip
     fi;
     in_pipe = 0; /* S1 */
#ifdef DISTANT
     before[0] = bell[0];
     before[1] = bell[1];
     if :: later && settled -> later = false :: skip fi; /* that wake came while it was awake */
#endif
     flipped = polls;
     if
     :: polls -> /* S2 */
        atomic {
          flush_reader();
          polls = false;
          i = 0;
          do :: i < WRITERS -> buffered_polled[i] = false; has_polled[i] = true; i++ :: else -> break od
        }
     :: else
     fi;
#ifdef DISTANT
     later = later || flipped; /* S3 is the reader's own affair */
#else
     atomic { /* S3 */
       now = (now == 253 -> 1 : (now % 2 == 1 -> now + 2 : now + 1));
       buffered_epoch = now;
       has_epoch = true
     }
     atomic { /* S4 */
       flush_reader();
#ifndef BROKEN_NO_BARRIER
       if :: flipped -> flush_writer(0); flush_writer(1) :: else fi
#endif
     }
#endif
     found = false;
#ifndef BROKEN_NO_SECOND_LOOK
     i = 0;
     do /* S5 */
     :: i < WRITERS ->
        if :: received[i] != published[i] -> received[i] = published[i]; found = true :: else fi;
        if :: heard[i] != bell[i] -> heard[i] = bell[i]; found = true :: else fi;
        i++
     :: else -> break
     od;
#endif
     if
     :: found -> skip
     :: else ->
#ifdef DISTANT
        if
        :: bell[0] != before[0] || bell[1] != before[1] /* S6 */
#ifndef BROKEN_NO_LATER_LOOK
        :: later && settled -> later = false /* S7 */
#endif
#ifdef DEATH
        :: timeout
        :: goto killed
#endif
        fi
#elif defined(DEATH)
        if :: in_pipe > 0 :: timeout :: goto killed fi; /* S6 with the alarm, and death while asleep */
#else
        in_pipe > 0; /* S6: if nobody writes, spin finds that nothing can go on here */
#endif
#ifdef BROKEN_NO_SECOND_LOOK
        i = 0;
        do :: i < WRITERS -> received[i] = published[i]; i++ :: else -> break od;
#endif
     fi
  od;
  assert(all_received || dead[0] || dead[1]);
#ifdef DEATH
killed:
  skip
#endif
}
