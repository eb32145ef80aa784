// The one-step announcement in a thread's line that lets others finish its bookkeeping when it dies in the middle (docs/slab.md 4).
// May touch: intent fields; when settling, the slot and the net of a dead thread. Plain stores: only the thread itself writes them, and
// they are read after its death is proven, when all of them have arrived in program order.

import { Intent, RECORD_OBSERVED, SLOT_OWNER_SHIFT, SLOT_TAG_SHIFT, SlotState, Thread } from '../layout.js'
import { type Attachment, lineWord } from './attachment.js'
import type { Shard } from './shard.js'

/** Announces that `slot` is about to take a word, and what `net` is then. */
export function announce(
  cache: Attachment,
  kind: number,
  home: Shard,
  slot: number,
  low: number,
  high: number,
  net: number,
  world: number,
): void {
  const { control, line } = cache
  // Kind goes first to none, so that nobody reads the fields of two announcements mixed.
  control[line + (Thread.intentKind >> 2)] = Intent.none
  control[line + (Thread.intentShard >> 2)] = home.number
  control[line + (Thread.intentSlot >> 2)] = slot
  control[line + (Thread.intentLow >> 2)] = low
  control[line + (Thread.intentHigh >> 2)] = high
  control[line + (Thread.intentNet >> 2)] = net
  control[line + (Thread.intentWorld >> 2)] = world
  control[line + (Thread.intentKind >> 2)] = kind
}

export function nothingAnnounced(cache: Attachment): void {
  cache.control[cache.line + (Thread.intentKind >> 2)] = Intent.none
}

/** Finishes or drops the one step that a dead thread had announced; safe to repeat. Reaper only. */
export function settleIntent(cache: Attachment, thread: number): void {
  const { control } = cache
  const line = lineWord(thread)
  const field = (offset: number) => Atomics.load(control, line + (offset >> 2))
  const kind = field(Thread.intentKind)
  const home = cache.shards[field(Thread.intentShard)]
  if (home !== undefined && (kind === Intent.link || kind === Intent.unlink)) {
    const slot = field(Thread.intentSlot)
    const low = field(Thread.intentLow)
    const location = field(Thread.intentHigh)
    const stands = home.kernel.highOf(slot, low) === location
    const done = stands || (kind === Intent.link && wasLinked(home, thread, slot, low, location))
    const counts = field(Thread.intentWorld) === field(Thread.netWorld)
    if (done && counts) Atomics.store(control, line + (Thread.net >> 2), field(Thread.intentNet))
    if (done && kind === Intent.unlink) home.kernel.store64(slot, 0, 0)
  }
  Atomics.store(control, line + (Thread.intentKind >> 2), Intent.none)
}

/** Takes a dead inserter's claim back; true when its record had become a member, and was replaced or unlinked since. */
function wasLinked(home: Shard, thread: number, slot: number, low: number, location: number): boolean {
  const busy = SlotState.busy | ((thread + 1) << SLOT_OWNER_SHIFT) | ((low >>> SLOT_TAG_SHIFT) << SLOT_TAG_SHIFT)
  home.kernel.cas64(slot, busy, location, 0, 0)
  return (Atomics.load(home.words, (location << 1) + 1) & RECORD_OBSERVED) !== 0
}
