// Reading in place. A reader's pin may be taken away, so what was read is believed only when the pin still stood at the end; otherwise the
// read begins again. Strings are made straight from the shared bytes: a garbage collection meanwhile only makes the pin last longer, and a
// reader that is expelled for that throws its string away. May touch: marks; the idle word of a record, under a writer's pin.

import { Kind, Meta, MetaFlag } from '../engine.js'
import { BUCKET_SLOTS, Counter, LOCATION_MASK, RecordFlag, Segment, SLOT_BYTES } from '../layout.js'
import type { Attachment } from './attachment.js'
import { copyValue, fullLength, valueStart } from './chain.js'
import { pin, pinRead, unpin, unpinRead } from './epoch.js'
import { bump, find, firstBucketOf, memberLow, secondBucketOf, unlink } from './index.js'
import type { Key } from './keys.js'
import { spin } from './pause.js'
import { hasChain, isSound, keyEquals, kindOf, valueBytes } from './record.js'
import { lookForMember, Look as Member, removeExpired } from './remove.js'
import { SampleKind, sample } from './samples.js'
import type { Shard } from './shard.js'
import { hasConditions, hasEnd, hasIdle, noteUse, Standing, standingOf } from './times.js'
import { stampSlot } from './write.js'

/** Where a read leaves what it found: numbers in `meta`, bytes that are no string in `scratch`. */
export interface ReadTarget {
  readonly scratch: Uint8Array
  readonly meta: Int32Array
}

/** What one look came to. `absent` also for what only `lookUp` finds. */
const Look = { absent: 0, live: 1, expired: 2, changed: 3 } as const

/** The location of the member with this key, 0 for none; its slot is left in `cache.found.slot`. */
export function locate(cache: Attachment, home: Shard, key: Key): number {
  const location = locateIn(cache, home, key, firstBucketOf(home, key), secondBucketOf(home, key))
  return location !== 0 ? location : locateIn(cache, home, key, key.secondBucket, key.firstBucket)
}

function locateIn(cache: Attachment, home: Shard, key: Key, bucket: number, other: number): number {
  const wanted = memberLow(key.tag)
  for (let from = 0; ; ) {
    const hit = home.kernel.find(bucket, wanted, from, other)
    if (hit === 0) return 0
    const index = hit >>> 29
    const location = hit & LOCATION_MASK
    if (keyEquals(home, location, key)) {
      cache.found.slot = bucket + BUCKET_SLOTS + index * SLOT_BYTES
      return location
    }
    from = index + 1
  }
}

/** Leaves the live member's location in `cache.found`. Under any pin. */
function look(cache: Attachment, home: Shard): number {
  const world = cache.world()
  if ((world & 1) === 1) return Look.absent
  const location = locate(cache, home, cache.key)
  if (location === 0) return Look.absent
  cache.found.location = location
  const ahead = (home.field(home.segmentOf(location), Segment.world) - world) | 0
  if (ahead !== 0) return ahead > 0 ? Look.changed : Look.absent
  const w0 = home.words[location << 1]
  return hasConditions(w0) ? lookCloser(cache, home, location, w0) : Look.live
}

function lookCloser(cache: Attachment, home: Shard, location: number, w0: number): number {
  const stands = standingOf(cache, home, location, w0)
  if (stands === Standing.fresh) return Look.live
  return stands === Standing.gone ? Look.expired : Look.absent
}

/** The contract's `read`. Unpinned. */
export function read(cache: Attachment, home: Shard, target: ReadTarget, touch: boolean): string | number | undefined {
  for (;;) {
    pinRead(cache)
    const outcome = look(cache, home)
    let value: string | number | undefined
    if (outcome === Look.live) {
      value = takeValue(cache, home, target)
      if (touch) bump(home, cache.found.slot)
    }
    const { location } = cache.found
    const w0 = home.words[location << 1]
    if (!unpinRead(cache) || outcome === Look.changed) {
      spin()
      continue
    }
    if (touch) {
      cache.count(outcome === Look.live ? Counter.hits : Counter.misses)
      const { h, length } = cache.key
      if (outcome === Look.live) sample(home, h, length, target.meta[Meta.length], SampleKind.hit)
      else sample(home, h, length, 0, SampleKind.miss)
      if (outcome === Look.expired) removeExpired(cache, home)
      else if (outcome === Look.live) {
        cache.countBy(Counter.bytesRead, target.meta[Meta.length])
        if (hasIdle(w0)) noteUseOf(cache, home, location)
      }
    }
    return value
  }
}

/** Notes a use of the record that was just read, unless the key has another one by now. */
export function noteUseOf(cache: Attachment, home: Shard, location: number): void {
  pin(cache)
  if (find(home, cache.key, cache.world(), cache.found) && cache.found.location === location) {
    noteUse(cache, home, location)
  }
  unpin(cache)
}

/** The value as the contract hands it out; nothing here throws on rubbish that an expelled reader may see. */
export function takeValue(cache: Attachment, home: Shard, target: ReadTarget): string | number {
  const { location, slot } = cache.found
  const { meta, scratch } = target
  const w0 = home.words[location << 1]
  const kind = kindOf(w0)
  const chained = hasChain(w0)
  const length = chained ? fullLength(home, location) : valueBytes(w0)
  meta[Meta.kind] = kind
  meta[Meta.length] = length
  meta[Meta.slot] = stampSlot(home, slot)
  meta[Meta.location] = location
  meta[Meta.generation] = home.field(home.segmentOf(location), Segment.generation)
  meta[Meta.world] = cache.world()
  meta[Meta.flags] = hasConditions(w0) ? flagsOf(w0) : 0
  if (kind >= Kind.ascii && kind <= Kind.utf16) {
    if (chained) return chainedString(home, location, kind, length)
    if (!isSound(home, location)) return ''
    const start = valueStart(home, location)
    return textOf(home.buffer, kind, start, start + length)
  }
  if (length <= scratch.length && (chained || isSound(home, location))) copyValue(home, location, scratch, length)
  return length
}

function flagsOf(w0: number): number {
  return (hasEnd(w0) ? MetaFlag.ends : 0) | ((w0 & RecordFlag.tags) === 0 ? 0 : MetaFlag.tagged)
}

function textOf(buffer: Shard['buffer'], kind: number, start: number, end: number): string {
  // The record may have become another one since its length was checked.
  if (end > buffer.length) return ''
  if (kind === Kind.ascii) return buffer.latin1Slice(start, end)
  return kind === Kind.utf8 ? buffer.utf8Slice(start, end) : buffer.ucs2Slice(start, end)
}

function chainedString(home: Shard, location: number, kind: number, length: number): string {
  const bytes = Buffer.allocUnsafe(length)
  copyValue(home, location, bytes, length)
  return textOf(bytes as unknown as Shard['buffer'], kind, 0, length)
}

/** Copies the value out if it fits; its length, or -1 when absent. Unpinned, no effect on recency. */
export function readInto(cache: Attachment, home: Shard, target: Uint8Array): number {
  for (;;) {
    pinRead(cache)
    const outcome = look(cache, home)
    let length = -1
    if (outcome === Look.live) {
      const { location } = cache.found
      length = fullLength(home, location)
      const sound = hasChain(home.words[location << 1]) || isSound(home, location)
      if (length <= target.length && sound) copyValue(home, location, target, length)
    }
    if (unpinRead(cache) && outcome !== Look.changed) return length
    spin()
  }
}

export function has(cache: Attachment, home: Shard): boolean {
  for (;;) {
    pinRead(cache)
    const outcome = look(cache, home)
    if (unpinRead(cache) && outcome !== Look.changed) return outcome === Look.live
    spin()
  }
}

/** Reads and removes exactly the record that it read. Bytes longer than scratch go to a new array, handed to `tooLong`. */
export function take(
  cache: Attachment,
  home: Shard,
  target: ReadTarget,
  tooLong: (bytes: Uint8Array) => void,
): string | number | undefined {
  for (;;) {
    pin(cache)
    const world = cache.world()
    const seen = lookForMember(cache, home, world)
    let value: string | number | undefined
    let taken = false
    if (seen === Member.live) {
      value = takeValue(cache, home, target)
      let bytes: Uint8Array | undefined
      if (typeof value === 'number' && value > target.scratch.length) {
        bytes = new Uint8Array(value)
        copyValue(home, cache.found.location, bytes, value)
      }
      taken = unlink(cache, home, cache.found, world)
      if (taken && bytes !== undefined) tooLong(bytes)
    } else if (seen === Member.hidden) {
      taken = unlink(cache, home, cache.found, world)
    }
    unpin(cache)
    if (taken) {
      if (seen === Member.live) cache.count(Counter.taken)
      return value
    }
    if (seen === Member.absent) return undefined
    spin()
  }
}
