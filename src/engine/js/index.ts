// The index: finding a key, linking a record, unlinking one (docs/slab.md 4). Invariants, whatever dies or pauses where: a key has at most
// one MEMBER slot; a live key never changes its slot, so a scan cannot miss it; a slot word changes only when its binding does.
// May touch: slots and marks, flags of records, this thread's intent and counts. Pinned callers only.

import {
  BUCKET_BYTES,
  BUCKET_SLOTS,
  Counter,
  FREQUENCY_MASK,
  Intent,
  LOCATION_MASK,
  Segment,
  SLOT_BYTES,
  SLOT_DIRTY,
  SLOT_OWNER_MASK,
  SLOT_OWNER_SHIFT,
  SLOT_STATE_MASK,
  SLOT_TAG_SHIFT,
  SLOTS,
  SlotState,
} from '../layout.js'
import { bookLink, bookUnlink, holdsReservation, netOf } from './accounting.js'
import type { Attachment, Found } from './attachment.js'
import { retireChain } from './chain.js'
import { departed } from './departures.js'
import { fastrange, secondBucket } from './hash.js'
import { announce, nothingAnnounced } from './intent.js'
import type { Key } from './keys.js'
import { isLeaseLive, leaseOf } from './lease.js'
import { hasChain, hasLease, isMarker, keyEquals, markDead, markObserved, recordUnits } from './record.js'
import { addEntries, addLive } from './segment.js'
import type { Shard } from './shard.js'
import { Standing, standing } from './times.js'

/** What a link did. `again`: somebody else's change came first, several times; begin again unpinned. */
export const Linked = { added: 0, replaced: 1, again: 2 } as const

/** Attempts of one link under one pin. */
const ATTEMPTS = 16
const NIBBLE = 15

export const memberLow = (tag: number): number => SlotState.member | (tag << SLOT_TAG_SHIFT)

/** Byte offset of the key's first candidate bucket, and of its second. All shards of a cache have the same geometry. */
export function firstBucketOf(home: Shard, key: Key): number {
  if (key.firstBucket < 0) key.firstBucket = home.bucketOffset + fastrange(key.h, home.buckets) * BUCKET_BYTES
  return key.firstBucket
}

export function secondBucketOf(home: Shard, key: Key): number {
  if (key.secondBucket < 0) {
    const first = (firstBucketOf(home, key) - home.bucketOffset) / BUCKET_BYTES
    key.secondBucket = home.bucketOffset + secondBucket(key.h, key.tag, home.buckets, first) * BUCKET_BYTES
  }
  return key.secondBucket
}

/** The member with this key, of any world, into `into`. */
export function find(home: Shard, key: Key, world: number, into: Found): boolean {
  const first = firstBucketOf(home, key)
  const second = secondBucketOf(home, key)
  return findIn(home, first, second, key, world, into) || findIn(home, second, first, key, world, into)
}

function findIn(home: Shard, bucket: number, other: number, key: Key, world: number, into: Found): boolean {
  const wanted = memberLow(key.tag)
  for (let from = 0; ; ) {
    const hit = home.kernel.find(bucket, wanted, from, other)
    if (hit === 0) return false
    const index = hit >>> 29
    const location = hit & LOCATION_MASK
    if (keyEquals(home, location, key)) {
      const slot = bucket + BUCKET_SLOTS + index * SLOT_BYTES
      const low = home.words[slot >> 2]
      // If it is another word by now, the exchange that is told the plain one fails, as it must.
      describe(home, slot, (low & ~SLOT_DIRTY) === wanted ? low : wanted, location, world, into)
      return true
    }
    from = index + 1
  }
}

function describe(home: Shard, slot: number, low: number, location: number, world: number, into: Found): void {
  const segment = home.segmentOf(location)
  into.slot = slot
  into.low = low
  into.location = location
  into.segment = segment
  into.ahead = (home.field(segment, Segment.world) - world) | 0
  into.counts = into.ahead === 0 && !isMarker(home.words[location << 1])
}

/** The slot that names this record, whatever its state, into `into`. */
export function findHolder(home: Shard, key: Key, location: number, world: number, into: Found): boolean {
  let bucket = firstBucketOf(home, key)
  let index = home.kernel.holder(bucket, location)
  if (index === 0) {
    bucket = secondBucketOf(home, key)
    index = home.kernel.holder(bucket, location)
  }
  if (index === 0) return false
  const slot = bucket + BUCKET_SLOTS + (index - 1) * SLOT_BYTES
  describe(home, slot, Atomics.load(home.words, slot >> 2), location, world, into)
  return true
}

/**
 * Makes the written record at `location` the key's member. The caller is pinned since before it reserved the space and, with maxEntries,
 * holds a reservation if it adds an entry: if it `counts`, as all but markers do, and does not replace one that does. With `isFound`
 * `cache.found` is the present member. `onlySo`: the write is bound to what was found (an add, a compare-and-set), so the first lost race
 * ends it. The slot is left in `cache.found.slot`.
 */
export function link(
  cache: Attachment,
  home: Shard,
  key: Key,
  location: number,
  world: number,
  isFound: boolean,
  onlySo: boolean,
  counts: boolean,
): number {
  const { found } = cache
  let known = isFound
  for (let attempt = 0; attempt < (onlySo ? 1 : ATTEMPTS); attempt++) {
    if (attempt > 0) known = find(home, key, world, found)
    if (known) {
      // Written after a clear() that this write belongs before: it stays.
      if (found.ahead > 0) break
      // A marker takes no entry's place: that is unlinked first.
      if (found.counts && !counts) break
      const adds = counts && !found.counts
      // What this write was to replace is gone, and what is there does not count: it adds now, as below.
      if (adds && cache.maxEntries !== 0 && !holdsReservation(cache, world)) break
      if (replace(cache, home, key, location, world, adds)) return adds ? Linked.added : Linked.replaced
    } else {
      // The member that this write was to replace is gone: it adds now, and has no place yet.
      if (counts && cache.maxEntries !== 0 && !holdsReservation(cache, world)) break
      if (claim(cache, home, key, location, world, counts)) return Linked.added
    }
    cache.count(Counter.linkRetries)
  }
  nothingAnnounced(cache)
  return Linked.again
}

function replace(cache: Attachment, home: Shard, key: Key, location: number, world: number, adds: boolean): boolean {
  const { found } = cache
  const net = (netOf(cache, world) + (adds ? 1 : 0)) | 0
  const low = memberLow(key.tag)
  markObserved(home, found.location)
  announce(cache, Intent.link, home, found.slot, low, location, net, world)
  if (!home.rebind(found.slot, found.low, found.location, low, location)) return false
  if (adds) bookLink(cache, net)
  nothingAnnounced(cache)
  if (found.counts) {
    addEntries(cache, home, found.segment, -1)
    bump(home, found.slot)
  } else {
    setMarks(home, found.slot, 0)
  }
  if (found.counts || adds) addEntries(cache, home, home.segmentOf(location), 1)
  bury(cache, home, found.location)
  return true
}

/** Claim, scan, commit: two inserters of one key cannot pass each other. */
function claim(cache: Attachment, home: Shard, key: Key, location: number, world: number, counts: boolean): boolean {
  const slot = home.kernel.vacancy(firstBucketOf(home, key), secondBucketOf(home, key))
  if (slot === 0) {
    displace(cache, home, key, world)
    return false
  }
  const net = (netOf(cache, world) + (counts ? 1 : 0)) | 0
  const low = memberLow(key.tag)
  const busy = SlotState.busy | ((cache.me + 1) << SLOT_OWNER_SHIFT) | (key.tag << SLOT_TAG_SHIFT)
  announce(cache, Intent.link, home, slot, low, location, net, world)
  if (home.kernel.cas64(slot, 0, 0, busy, location) === 0) return false
  if (!isAlone(home, firstBucketOf(home, key), key, slot) || !isAlone(home, secondBucketOf(home, key), key, slot)) {
    home.kernel.cas64(slot, busy, location, 0, 0)
    return false
  }
  setMarks(home, slot, 0)
  if (home.kernel.cas64(slot, busy, location, low, location) === 0) return false
  if (counts) bookLink(cache, net)
  nothingAnnounced(cache)
  if (counts) addEntries(cache, home, home.segmentOf(location), 1)
  cache.found.slot = slot
  return true
}

/** Looks at a bucket's other slots: kicks inserters of the same key; false when a member of the key stands there. */
function isAlone(home: Shard, bucket: number, key: Key, own: number): boolean {
  for (let from = 0; ; ) {
    const rival = home.kernel.rival(bucket, key.tag, own, from)
    if (rival === 0) return true
    const slot = bucket + BUCKET_SLOTS + (rival - 1) * SLOT_BYTES
    const low = Atomics.load(home.words, slot >> 2)
    const location = home.kernel.highOf(slot, low)
    // Changed between two looks: look at the same slot again.
    from = rival - 1
    if (location === -1) continue
    const state = low & SLOT_STATE_MASK
    const other = (state !== SlotState.busy && state !== SlotState.member) || low >>> SLOT_TAG_SHIFT !== key.tag
    if (other || !keyEquals(home, location, key)) from = rival
    else if (state === SlotState.member) return false
    else if (home.kernel.cas64(slot, low, location, 0, 0) === 1) from = rival
  }
}

/** Both buckets are full: unlinks the member that is worth least. No waiting, so it may happen under the pin. */
function displace(cache: Attachment, home: Shard, key: Key, world: number): boolean {
  const { victim } = cache
  let weakest = 0
  let least = 8
  for (let place = 0; place < 2 * SLOTS; place++) {
    const slot = candidateSlot(home, key, place)
    const worth = worthOf(cache, home, slot, world)
    if (worth >= least) continue
    least = worth
    weakest = slot
  }
  if (weakest === 0 || !examine(home, weakest, world, victim)) return false
  const { location } = victim
  if (!unlink(cache, home, victim, world)) return false
  departed(cache, home, least === 0 ? Counter.expired : Counter.evictedIndex, location)
  return true
}

/**
 * For a key that comes to a full cache: where no slot is left for it, the entry that goes is one of those in its way. Evicting another one
 * would leave the cache one below its bound.
 */
export function displaceIfFull(cache: Attachment, home: Shard, key: Key, world: number): boolean {
  if (home.kernel.vacancy(firstBucketOf(home, key), secondBucketOf(home, key)) !== 0) return false
  return displace(cache, home, key, world)
}

function candidateSlot(home: Shard, key: Key, place: number): number {
  const bucket = place < SLOTS ? firstBucketOf(home, key) : secondBucketOf(home, key)
  return bucket + BUCKET_SLOTS + (place % SLOTS) * SLOT_BYTES
}

/** 0 for what is no loss, then by frequency; 8 for what must stay. */
function worthOf(cache: Attachment, home: Shard, slot: number, world: number): number {
  const { victim } = cache
  if (!examine(home, slot, world, victim) || victim.ahead > 0) return 8
  if (victim.ahead < 0) return 0
  if (isLeased(cache, home, victim.location)) return 8
  return standing(cache, home, victim.location) < Standing.gone ? 1 + frequencyOf(home, slot) : 0
}

/** Whether a load that runs holds this record: it must stay, or its value could not be stored. */
export function isLeased(cache: Attachment, home: Shard, location: number): boolean {
  return hasLease(home.words[(location << 1) + 1]) && isLeaseLive(cache, leaseOf(home, location))
}

/** Describes the member in a slot; false when there is none. */
export function examine(home: Shard, slot: number, world: number, into: Found): boolean {
  for (;;) {
    const low = Atomics.load(home.words, slot >> 2)
    if ((low & SLOT_STATE_MASK) !== SlotState.member) return false
    const location = home.kernel.highOf(slot, low)
    if (location === -1) continue
    describe(home, slot, low, location, world, into)
    return true
  }
}

/** Takes a member out of the index. True for exactly one of all that try. */
export function unlink(cache: Attachment, home: Shard, member: Found, world: number): boolean {
  const { slot, low, location } = member
  const { counts } = member
  markObserved(home, location)
  const cleared = low & ~(SLOT_STATE_MASK | (SLOT_OWNER_MASK << SLOT_OWNER_SHIFT))
  const removing = cleared | SlotState.removing | ((cache.me + 1) << SLOT_OWNER_SHIFT)
  const net = (netOf(cache, world) - (counts ? 1 : 0)) | 0
  announce(cache, Intent.unlink, home, slot, removing, location, net, world)
  if (!home.rebind(slot, low, location, removing, location)) {
    nothingAnnounced(cache)
    return false
  }
  if (counts) bookUnlink(cache, net, world)
  home.kernel.store64(slot, 0, 0)
  nothingAnnounced(cache)
  if (counts) addEntries(cache, home, member.segment, -1)
  bury(cache, home, location)
  return true
}

/** After a record lost its slot: its chain goes, its units are dead, and the hand need not look it up. */
function bury(cache: Attachment, home: Shard, location: number): void {
  if (hasChain(home.words[location << 1])) retireChain(cache, home, location)
  markDead(home, location)
  addLive(home, home.segmentOf(location), -recordUnits(home, location))
}

const marksWord = (slot: number): number => (slot & ~(BUCKET_BYTES - 1)) >> 2
const marksShift = (slot: number): number => ((slot & (BUCKET_BYTES - 1)) - BUCKET_SLOTS) >> 1

export function frequencyOf(home: Shard, slot: number): number {
  return marksOf(home, slot) & FREQUENCY_MASK
}

/** Its frequency, and its rounds without a use in the two bits above. */
export function marksOf(home: Shard, slot: number): number {
  return (home.words[marksWord(slot)] >>> marksShift(slot)) & NIBBLE
}

/** Notes a use. One exchange at most, none once the count is full; losing the race is losing one count. */
export function bump(home: Shard, slot: number): void {
  const at = marksWord(slot)
  const shift = marksShift(slot)
  const seen = home.words[at]
  if (((seen >>> shift) & FREQUENCY_MASK) === FREQUENCY_MASK) return
  Atomics.compareExchange(home.words, at, seen, (seen + (1 << shift)) | 0)
}

export function setMarks(home: Shard, slot: number, marks: number): void {
  const at = marksWord(slot)
  const shift = marksShift(slot)
  let seen = home.words[at]
  for (;;) {
    const wanted = (seen & ~(NIBBLE << shift)) | (marks << shift)
    if (wanted === seen) return
    const now = Atomics.compareExchange(home.words, at, seen, wanted)
    if (now === seen) return
    seen = now
  }
}
