// The lease table: who loads what, and since when too long (docs/slab.md 8). A line's binding {sequence, state, owner} is one 64-bit word,
// so that exactly one thread begins, ends or takes away each lease. May touch: the lease table; wakes those who wait on its words.

import { Lease } from '../engine.js'
import { Control, LEASE_BYTES, LEASE_STATE_BITS, LEASES, LeaseLine, THREADS } from '../layout.js'
import { bindingOf, LeaseState, leaseWord, lineOf, sequenceOf, tokenOf } from '../lease-token.js'
import type { Attachment } from './attachment.js'
import { keyWord } from './record.js'
import { reapIfDead } from './registry.js'
import type { Shard } from './shard.js'

const OWNER = LeaseLine.owner >> 2
const STATE_MASK = (1 << LEASE_STATE_BITS) - 1
const SEQUENCE_MASK = 0xffffffff >>> LEASE_STATE_BITS

const lineAddress = (line: number): number => Control.leases + line * LEASE_BYTES

/** A lease that runs until `deadline` (ms since origin) unless it is ended before; 0 when all lines are in use. */
export function claimLease(cache: Attachment, deadline: number): number {
  const { control, kernel } = cache
  for (let i = 0; i < LEASES; i++) {
    const line = (cache.nextLease + i) % LEASES
    const at = leaseWord(line)
    const word = Atomics.load(control, at)
    if (Atomics.load(control, at + OWNER) !== 0) continue
    // Never 0: a token is positive.
    const sequence = ((word >>> LEASE_STATE_BITS) + 1) & SEQUENCE_MASK || 1
    const claimed = bindingOf(sequence, LeaseState.claimed)
    const address = lineAddress(line)
    if (kernel.cas64(address, word, 0, claimed, cache.me + 1) === 0) continue
    kernel.store64(address + LeaseLine.deadline, deadline | 0, Math.floor(deadline / 2 ** 32))
    kernel.store64(address, bindingOf(sequence, LeaseState.loading), cache.me + 1)
    // Others pass by here later: an outcome can be asked for as long as its line is not taken again.
    cache.nextLease = line + 1
    return tokenOf(line, sequence)
  }
  return 0
}

/** Whether the lease still runs, as far as can be seen without asking whether its thread lives. */
export function isLeaseLive(cache: Attachment, token: number): boolean {
  const line = lineOf(token)
  if (Atomics.load(cache.control, leaseWord(line)) !== bindingOf(sequenceOf(token), LeaseState.loading)) return false
  return !cache.clock.isDue(cache.kernel.loadNumber(lineAddress(line) + LeaseLine.deadline))
}

/** The token in a record that has one. Rubbish only where the record is. */
export function leaseOf(home: Shard, location: number): number {
  const at = (location << 1) + keyWord(home, location, home.words[location << 1])
  return tokenOf(home.words[at - 2] & (LEASES - 1), home.words[at - 1] >>> 0)
}

/** Ends a running lease and wakes who waits for it; false when it has ended already. True for exactly one of all that try. */
export function finishLease(cache: Attachment, token: number, state: number): boolean {
  const line = lineOf(token)
  const owner = Atomics.load(cache.control, leaseWord(line) + OWNER)
  const sequence = sequenceOf(token)
  const running = bindingOf(sequence, LeaseState.loading)
  if (cache.kernel.cas64(lineAddress(line), running, owner, bindingOf(sequence, state), 0) === 0) return false
  Atomics.notify(cache.control, leaseWord(line))
  return true
}

/** `Lease.running` or how it ended; ends what is overdue and reaps a dead owner. Unpinned. */
export function leaseState(cache: Attachment, token: number): number {
  const at = leaseWord(lineOf(token))
  const running = bindingOf(sequenceOf(token), LeaseState.loading)
  const word = Atomics.load(cache.control, at)
  if (word !== running) return endedAs(word, token)
  const owner = Atomics.load(cache.control, at + OWNER)
  if (!isLeaseLive(cache, token)) finishLease(cache, token, Lease.abandoned)
  else if (owner > 0 && owner <= THREADS && owner !== cache.me + 1) reapIfDead(cache, owner - 1)
  const now = Atomics.load(cache.control, at)
  return now === running ? Lease.running : endedAs(now, token)
}

function endedAs(word: number, token: number): number {
  return word >>> LEASE_STATE_BITS === sequenceOf(token) ? word & STATE_MASK : Lease.abandoned
}

/** Ends all leases of a thread that is dead, or detaches. Safe to repeat. */
export function abandonLeasesOf(cache: Attachment, thread: number): void {
  const { control, kernel } = cache
  for (let line = 0; line < LEASES; line++) {
    const at = leaseWord(line)
    // A plain load: nobody but that thread itself puts its number there, and it does no more.
    if (control[at + OWNER] !== thread + 1) continue
    const word = Atomics.load(control, at)
    const ended = (word & ~STATE_MASK) | Lease.abandoned
    if (kernel.cas64(lineAddress(line), word, thread + 1, ended, 0) === 1) Atomics.notify(control, at)
  }
}

/** The table is full: ends what is overdue, and what belongs to the dead. Unpinned. True when something was ended. */
export function sweepLeases(cache: Attachment): boolean {
  let ended = false
  for (let line = 0; line < LEASES; line++) {
    const word = Atomics.load(cache.control, leaseWord(line))
    if ((word & STATE_MASK) !== LeaseState.loading) continue
    const token = tokenOf(line, word >>> LEASE_STATE_BITS)
    if (leaseState(cache, token) !== Lease.running) ended = true
  }
  return ended
}
