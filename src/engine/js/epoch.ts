// Pins and grace periods (docs/slab.md 3): memory is reused only when nobody who might still read or write it is left.
// May touch: this thread's pin, the epoch, and pins of expelled readers. While pinned: no waiting, no eviction turn, no callback.

import { Control, Counter, Pin, Thread } from '../layout.js'
import { type Attachment, lineWord } from './attachment.js'
import { giveWay, spin } from './pause.js'
import { highWater, reapIfDead } from './registry.js'

const EPOCH = Control.epoch >> 2
const PIN = Thread.pin >> 2

/** How often grace is asked for before a blocker's life is looked into and, if it may be, the blocker expelled. */
const PATIENCE = 200
/** From this turn on the processor is left to others between two looks: the blocker may be waiting for it. */
const SPINS = 150

/**
 * A reader's pin. Every pinned section begins with an atomic load of the world word: on processors that order plain loads freely it keeps
 * them behind the pin. The epoch may be an older one; that only makes others wait longer. It may be taken away, so whatever was read counts only if `unpinRead` says that the pin still stood.
 */
export function pinRead(cache: Attachment): void {
  const pin = (cache.control[EPOCH] << Pin.epochShift) | Pin.expellable | Pin.pinned
  cache.pin = pin
  // A sequentially consistent store: no slot or record is loaded before it is visible to all.
  Atomics.store(cache.control, cache.line + PIN, pin)
}

/** False when the pin was taken away: what was read may be rubbish. */
export function unpinRead(cache: Attachment): boolean {
  return Atomics.compareExchange(cache.control, cache.line + PIN, cache.pin, 0) === cache.pin
}

/** A pin that nobody takes away but by proof of death: for everything that writes. */
export function pin(cache: Attachment): void {
  Atomics.store(cache.control, cache.line + PIN, (cache.control[EPOCH] << Pin.epochShift) | Pin.pinned)
}

export function unpin(cache: Attachment): void {
  Atomics.store(cache.control, cache.line + PIN, 0)
}

/** Starts a grace period; `grace` tells when it is over. */
export function advanceEpoch(cache: Attachment): number {
  return Atomics.add(cache.control, EPOCH, 1)
}

/** The first thread that is still pinned in this epoch or an earlier one; -1 for none. */
function blocker(cache: Attachment, epoch: number): number {
  const lines = highWater(cache)
  for (let thread = 0; thread < lines; thread++) {
    const pinned = Atomics.load(cache.control, lineWord(thread) + PIN)
    if (pinned !== 0 && !isAfter(pinned >>> Pin.epochShift, epoch)) return thread
  }
  return -1
}

/**
 * Waits a bounded moment for grace, unpinned: reaps the dead and expels readers that stand still. False when a living thread stays
 * pinned; what waits for it is tried again by a later turn.
 */
export function waitForGrace(cache: Attachment, epoch: number): boolean {
  for (let turn = 0; turn <= PATIENCE; turn++) {
    const thread = blocker(cache, epoch)
    if (thread < 0) return true
    if (turn === PATIENCE >> 2 || turn === PATIENCE) reapIfDead(cache, thread)
    if (turn === PATIENCE) expel(cache, thread)
    if (turn < SPINS) spin()
    else giveWay(0)
  }
  const over = blocker(cache, epoch) < 0
  if (!over) cache.count(Counter.graceBlocked)
  return over
}

function expel(cache: Attachment, thread: number): void {
  const at = lineWord(thread) + PIN
  const seen = Atomics.load(cache.control, at)
  if ((seen & Pin.expellable) === 0) return
  if (Atomics.compareExchange(cache.control, at, seen, 0) === seen) cache.count(Counter.readersExpelled)
}

/** Whether a pin's epoch (30 bits) is later than `epoch`, in wrapping order. */
export function isAfter(pinned: number, epoch: number): boolean {
  return (pinned - epoch) << 2 > 0
}
