// Values larger than a segment: whole segments of their own, listed in the head record, that live and die with it (docs/slab.md 1.5). The
// head is an ordinary record whose value is {total, n, n × {segment, generation}} and the bytes that did not fill a segment.
// May touch: segments in state BUILDING or CHAIN and their headers.

import { Counter, Shard as Header, SEGMENT_OWNER_SHIFT, Segment, SegmentState } from '../layout.js'
import type { Attachment } from './attachment.js'
import { advanceEpoch } from './epoch.js'
import { find } from './index.js'
import type { Key } from './keys.js'
import { hasChain, keyBytes, keyWord, valueBytes } from './record.js'
import { Claimant, casState, freeSegment, kindOfState, packState, takeFreeSegment } from './segment.js'
import type { Shard } from './shard.js'

export const CHAIN_FIXED_BYTES = 8
export const CHAIN_LINK_BYTES = 8

/** Pairs {segment, generation}, and the length of the whole value. */
export interface Chain {
  readonly links: Int32Array
  readonly total: number
}

/** Segments that a value needs beside a head with `room` bytes for it; 0 when it fits there. */
export function segmentsFor(length: number, room: number, segmentBytes: number): number {
  if (length <= room) return 0
  const whole = Math.floor(length / segmentBytes)
  const rest = length % segmentBytes
  return whole > 0 && CHAIN_FIXED_BYTES + CHAIN_LINK_BYTES * whole + rest <= room ? whole : whole + 1
}

/** Takes `count` free segments and fills them. Unpinned: they are this thread's alone until the head is linked. */
export function buildChain(cache: Attachment, home: Shard, value: Uint8Array, count: number): Chain | undefined {
  const links = new Int32Array(2 * count)
  const chain = { links, total: value.length }
  for (let i = 0; i < count; i++) {
    const index = takeFreeSegment(cache, home, SegmentState.building, Claimant.caller)
    if (index < 0) {
      abandonChain(home, { links: links.subarray(0, 2 * i), total: 0 })
      return undefined
    }
    links[2 * i] = index
    links[2 * i + 1] = home.field(index, Segment.generation)
  }
  const size = home.segmentBytes
  for (let i = 0; i < count; i++) {
    const at = home.start(links[2 * i]) * 8
    const part = value.subarray(i * size, (i + 1) * size)
    // `fill` by as many bytes is Node's own memcpy; `set` copies into shared memory element by element.
    home.buffer.fill(part, at, at + part.length)
    home.setField(links[2 * i], Segment.cursor, home.segmentUnits)
  }
  return chain
}

/** What the head record holds as its value. */
export function headValue(chain: Chain, value: Uint8Array, segmentBytes: number): Uint8Array {
  const rest = value.subarray(Math.min(value.length, (chain.links.length / 2) * segmentBytes))
  const head = new Uint8Array(CHAIN_FIXED_BYTES + chain.links.byteLength + rest.length)
  const view = new DataView(head.buffer)
  view.setUint32(0, chain.total, true)
  view.setUint32(4, chain.links.length / 2, true)
  for (const [i, word] of chain.links.entries()) view.setInt32(CHAIN_FIXED_BYTES + 4 * i, word, true)
  head.set(rest, CHAIN_FIXED_BYTES + chain.links.byteLength)
  return head
}

/** The head record is written: from now on the hand frees the chain if the head is not linked. Pinned. */
export function publishChain(cache: Attachment, home: Shard, chain: Chain): void {
  for (let i = 0; i < chain.links.length; i += 2) {
    home.setField(chain.links[i], Segment.state, packState(SegmentState.chain, 0))
  }
  cache.count(Counter.chainsStored)
}

/** The head was not linked and is about to be marked dead: the chain is this thread's alone again, for its next attempt. Pinned. */
export function withdrawChain(cache: Attachment, home: Shard, chain: Chain): void {
  const mine = SegmentState.building | ((cache.me + 1) << SEGMENT_OWNER_SHIFT)
  for (let i = 0; i < chain.links.length; i += 2) home.setField(chain.links[i], Segment.state, mine)
}

/** Gives back a chain whose head was never linked and that nobody else can have seen. */
export function abandonChain(home: Shard, chain: Chain): void {
  for (let i = 0; i < chain.links.length; i += 2) {
    const index = chain.links[i]
    const seen = home.state(index)
    const kind = kindOfState(seen)
    const isMine = home.field(index, Segment.generation) === chain.links[i + 1]
    if (isMine && (kind === SegmentState.building || kind === SegmentState.chain)) freeSegment(home, index, seen)
  }
}

/** Starts the second grace of a chain whose head has just been unlinked. Pinned. */
export function retireChain(cache: Attachment, home: Shard, location: number): void {
  const chain = readChain(home, location)
  if (chain === undefined) return
  // The stamp goes first: an evictor may free a segment as soon as it sees it drained.
  const epoch = advanceEpoch(cache)
  for (let i = 0; i < chain.links.length; i += 2) {
    const index = chain.links[i]
    const seen = home.state(index)
    if (home.field(index, Segment.generation) !== chain.links[i + 1]) continue
    if (kindOfState(seen) !== SegmentState.chain) continue
    home.setField(index, Segment.epoch, epoch)
    if (casState(home, index, seen, packState(SegmentState.drained, 0))) {
      Atomics.add(home.words, Header.drained >> 2, 1)
    }
  }
}

/**
 * The hand met an unlinked head: its chain goes, unless the key's present record names the same one (its relocation was cut short by a
 * death). Pinned.
 */
export function retireOrphan(cache: Attachment, home: Shard, key: Key, location: number, world: number): void {
  const mine = readChain(home, location)
  if (mine === undefined) return
  if (find(home, key, world, cache.victim) && hasChain(home.words[cache.victim.location << 1])) {
    const present = readChain(home, cache.victim.location)
    if (present?.links.every((word, i) => word === mine.links[i]) && present.links.length === mine.links.length) return
  }
  retireChain(cache, home, location)
}

/** Undefined when the list does not fit its record, as only a broken or reused memory can have it. */
export function readChain(home: Shard, location: number): Chain | undefined {
  const at = valueStart(home, location)
  const length = valueBytes(home.words[location << 1])
  if (length < CHAIN_FIXED_BYTES || at + length > home.buffer.length) return undefined
  const bytes = home.buffer.slice(at, at + length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const total = view.getUint32(0, true)
  const count = view.getUint32(4, true)
  const rest = length - CHAIN_FIXED_BYTES - CHAIN_LINK_BYTES * count
  if (count > home.segments || rest < 0 || total > count * home.segmentBytes + rest) return undefined
  const links = new Int32Array(2 * count)
  for (let i = 0; i < links.length; i++) links[i] = view.getInt32(CHAIN_FIXED_BYTES + 4 * i, true)
  for (let i = 0; i < links.length; i += 2) if (links[i] >>> 0 >= home.segments) return undefined
  return { links, total }
}

/** Byte offset of the first value byte in the region. */
export function valueStart(home: Shard, location: number): number {
  const w0 = home.words[location << 1]
  return location * 8 + keyWord(home, location, w0) * 4 + keyBytes(home.words[(location << 1) + 1])
}

/** Length of a record's value, in whatever form it is kept. Pinned. */
export function fullLength(home: Shard, location: number): number {
  const w0 = home.words[location << 1]
  if (!hasChain(w0)) return valueBytes(w0)
  return readChain(home, location)?.total ?? 0
}

/** Copies a value of `length` bytes into the front of `target`. Pinned; an expelled reader may get rubbish, never an exception. */
export function copyValue(home: Shard, location: number, target: Uint8Array, length: number): void {
  const start = valueStart(home, location)
  if (!hasChain(home.words[location << 1])) {
    copyBytes(home, start, target, 0, length)
    return
  }
  const chain = readChain(home, location)
  if (chain === undefined) return
  const size = home.segmentBytes
  let done = 0
  for (let i = 0; i < chain.links.length && done < length; i += 2) {
    const part = Math.min(size, length - done)
    copyBytes(home, home.start(chain.links[i]) * 8, target, done, part)
    done += part
  }
  copyBytes(home, start + CHAIN_FIXED_BYTES + chain.links.byteLength, target, done, length - done)
}

/** Below this the call into the engine's copy costs more than a loop. */
const LOOP_BYTES = 48

function copyBytes(home: Shard, from: number, target: Uint8Array, to: number, length: number): void {
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) target[to + i] = home.buffer[from + i]
  else target.set(home.buffer.subarray(from, from + length), to)
}
