// Exact entry counts that survive clear() and the death of any thread (docs/slab.md 4). Each thread keeps `net` in its own line: entries
// it linked less entries it unlinked, for one world. With maxEntries there is one shared word of reservations as well; after a death it
// may be too high, never too low, and an evictor takes the excess off when it can prove it.
// May touch: this thread's counts, the reservations, the drift flag.

import { Control, Thread } from '../layout.js'
import { type Attachment, lineWord } from './attachment.js'
import { spin } from './pause.js'
import { highWater } from './registry.js'

/** What came of asking for a place. `stale`: clear() has been called since the operation looked. */
export const Reservation = { taken: 0, full: 1, stale: 2 } as const

const NET = Thread.net >> 2
const NET_WORLD = Thread.netWorld >> 2
const INFLIGHT = Thread.inflight >> 2
const SEQUENCE = Thread.sequence >> 2
const RESERVED = Control.reservedCount >> 2
/** Attempts of an evictor to see all lines at rest before it leaves a suspected drift for its next turn. */
const COLLECTIONS = 8

/** Entries, exact when no operation is under way. Entries that expired and were not yet reclaimed count. */
export function size(cache: Attachment): number {
  return sumOfLines(cache, cache.world(), NET) >>> 0
}

function sumOfLines(cache: Attachment, world: number, field: number): number {
  const lines = highWater(cache)
  let sum = 0
  for (let thread = 0; thread < lines; thread++) {
    const line = lineWord(thread)
    if (Atomics.load(cache.control, line + NET_WORLD) !== world) continue
    sum = (sum + Atomics.load(cache.control, line + field)) | 0
  }
  return sum
}

/** This thread's net for a world, starting at 0 in a new one. */
export function netOf(cache: Attachment, world: number): number {
  const { control, line } = cache
  if (control[line + NET_WORLD] !== world) {
    beginAccounting(cache)
    Atomics.store(control, line + NET, 0)
    Atomics.store(control, line + INFLIGHT, 0)
    Atomics.store(control, line + NET_WORLD, world)
    endAccounting(cache)
  }
  return control[line + NET]
}

function beginAccounting(cache: Attachment): void {
  Atomics.add(cache.control, cache.line + SEQUENCE, 1)
}

function endAccounting(cache: Attachment): void {
  Atomics.add(cache.control, cache.line + SEQUENCE, 1)
}

/** Takes one place under maxEntries for an entry about to be linked in `world`. */
function reserve(cache: Attachment, world: number): number {
  netOf(cache, world)
  beginAccounting(cache)
  const outcome = reserveAccounted(cache, world)
  if (outcome === Reservation.taken) Atomics.store(cache.control, cache.line + INFLIGHT, 1)
  endAccounting(cache)
  return outcome
}

function reserveAccounted(cache: Attachment, world: number): number {
  for (;;) {
    const count = Atomics.load(cache.control, RESERVED)
    const countedWorld = Atomics.load(cache.control, RESERVED + 1)
    const ahead = (countedWorld - world) | 0
    if (ahead > 0) return Reservation.stale
    if (ahead === 0 && count >>> 0 >= cache.maxEntries) return Reservation.full
    const next = ahead === 0 ? (count + 1) | 0 : 1
    if (cache.kernel.cas64(Control.reservedCount, count, countedWorld, next, world) === 1) return Reservation.taken
  }
}

/** A reservation for a write that adds, or why there is none. */
export function reserveIfBounded(cache: Attachment, world: number): number {
  return cache.maxEntries === 0 || holdsReservation(cache, world) ? Reservation.taken : reserve(cache, world)
}

export function holdsReservation(cache: Attachment, world: number): boolean {
  const { control, line } = cache
  return control[line + NET_WORLD] === world && control[line + INFLIGHT] !== 0
}

/** Whether a write that adds would find a place at this moment. */
export function hasPlace(cache: Attachment): boolean {
  const isCurrent = Atomics.load(cache.control, RESERVED + 1) === cache.world()
  return !isCurrent || Atomics.load(cache.control, RESERVED) >>> 0 < cache.maxEntries
}

/** Gives back a place that no entry took. */
export function unreserveIfHeld(cache: Attachment, world: number): void {
  if (cache.maxEntries === 0 || !holdsReservation(cache, world)) return
  beginAccounting(cache)
  Atomics.store(cache.control, cache.line + INFLIGHT, 0)
  releasePlace(cache, world)
  endAccounting(cache)
}

function releasePlace(cache: Attachment, world: number): void {
  for (;;) {
    const count = Atomics.load(cache.control, RESERVED)
    const countedWorld = Atomics.load(cache.control, RESERVED + 1)
    if (countedWorld !== world || count === 0) return
    if (cache.kernel.cas64(Control.reservedCount, count, countedWorld, count - 1, world) === 1) return
  }
}

/** Books a link that happened: the reservation becomes an entry. */
export function bookLink(cache: Attachment, net: number): void {
  if (cache.maxEntries === 0) {
    cache.control[cache.line + NET] = net
    return
  }
  beginAccounting(cache)
  Atomics.store(cache.control, cache.line + NET, net)
  Atomics.store(cache.control, cache.line + INFLIGHT, 0)
  endAccounting(cache)
}

/** Books an unlink that happened in `world`. */
export function bookUnlink(cache: Attachment, net: number, world: number): void {
  if (cache.maxEntries === 0) {
    cache.control[cache.line + NET] = net
    return
  }
  beginAccounting(cache)
  Atomics.store(cache.control, cache.line + NET, net)
  releasePlace(cache, world)
  endAccounting(cache)
}

/**
 * After a death: takes off reservations that nobody holds any more. Evictor only, unpinned. The excess is certain when all lines were
 * read twice with every sequence even and unchanged and the shared word unchanged too.
 */
export function collectDrift(cache: Attachment): void {
  const drift = Control.drift >> 2
  if (cache.maxEntries === 0 || cache.control[drift] === 0) return
  for (let attempt = 0; attempt < COLLECTIONS; attempt++) {
    // A death reported from here on sets the word again and is looked into by the next turn.
    Atomics.store(cache.control, drift, 0)
    const before = sequences(cache)
    const count = Atomics.load(cache.control, RESERVED)
    const world = Atomics.load(cache.control, RESERVED + 1)
    const held = (sumOfLines(cache, world, NET) + sumOfLines(cache, world, INFLIGHT)) | 0
    const after = sequences(cache)
    if (before.every((sequence, line) => (sequence & 1) === 0 && sequence === after[line])) {
      if (((count - held) | 0) <= 0) return
      if (cache.kernel.cas64(Control.reservedCount, count, world, held, world) === 1) return
    }
    Atomics.store(cache.control, drift, 1)
    spin()
  }
}

function sequences(cache: Attachment): number[] {
  const lines = highWater(cache)
  return Array.from({ length: lines }, (_, thread) => Atomics.load(cache.control, lineWord(thread) + SEQUENCE))
}
