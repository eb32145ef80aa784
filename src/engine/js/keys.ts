// One key at a time: its WTF-8 bytes in private memory, its hash and its candidate buckets. A record's value may be staged behind
// the key, so that the record's body is copied out in whole words. May touch: its own memory only.

import { HASH_LANES, MAX_KEY_BYTES, SHORT_KEY_BYTES } from '../layout.js'
import type { StringBuffer } from '../string-buffer.js'
import { fmix32 } from './hash.js'
import { type KeyHashKernel, keyHashKernel } from './kernel.js'

/** Values up to this many bytes are staged behind the key: 128 KiB less the longest key. */
export const STAGE_BYTES = 60_000

const SURROGATES = 0xd800
const AFTER_SURROGATES = 0xe000
const LAST_POINT = 0x10ffff

export class Key {
  /** Bytes of the key; 0 when it cannot be one. */
  length = 0
  /** Signed 32-bit halves of what decides shard and buckets; the tag has 16 bits. */
  h = 0
  tag = 0
  /** Byte offsets of the candidate buckets in any shard; -1 until asked for (index.ts). */
  firstBucket = -1
  secondBucket = -1
  readonly words: Int32Array
  readonly units: Uint16Array
  readonly bytes: Uint8Array
  readonly buffer: StringBuffer
  private readonly hashKeys: Int32Array
  private readonly seedLow: number
  private readonly seedHigh: number
  private readonly kernel: KeyHashKernel

  constructor(hashKeys: Int32Array, seedLow: number, seedHigh: number) {
    this.hashKeys = hashKeys
    this.seedLow = seedLow
    this.seedHigh = seedHigh
    this.kernel = keyHashKernel()
    const memory = this.kernel.memory.buffer
    this.words = new Int32Array(memory)
    this.units = new Uint16Array(memory)
    this.bytes = new Uint8Array(memory)
    this.buffer = Buffer.from(memory) as unknown as StringBuffer
  }

  /** Encodes and hashes a string. False when it has no bytes or too many. */
  set(key: string): boolean {
    const length = key.length
    if (length > SHORT_KEY_BYTES) return this.setLong(key)
    const { hashKeys, units } = this
    let a = Math.imul(hashKeys[0], length)
    let b = Math.imul(hashKeys[1], length)
    let c = Math.imul(hashKeys[2], length)
    let seen = 0
    let lane = HASH_LANES
    let i = 0
    for (const pairs = length - 1; i < pairs; i += 2) {
      const first = key.charCodeAt(i)
      const second = key.charCodeAt(i + 1)
      seen |= first | second
      const unit = first | (second << 8)
      units[i >> 1] = unit
      a = (a + Math.imul(hashKeys[lane], unit)) | 0
      b = (b + Math.imul(hashKeys[lane + 1], unit)) | 0
      c = (c + Math.imul(hashKeys[lane + 2], unit)) | 0
      lane += HASH_LANES
    }
    if (i < length) {
      const unit = key.charCodeAt(i)
      seen |= unit
      units[i >> 1] = unit
      a = (a + Math.imul(hashKeys[lane], unit)) | 0
      b = (b + Math.imul(hashKeys[lane + 1], unit)) | 0
      c = (c + Math.imul(hashKeys[lane + 2], unit)) | 0
    }
    if (seen > 127) return this.setLong(key)
    this.length = length
    this.settle((a & 0xffff0000) | (b >>> 16), c >>> 16)
    return length !== 0
  }

  private settle(mixed: number, tag: number): void {
    this.h = fmix32(mixed)
    this.tag = tag
    this.firstBucket = -1
    this.secondBucket = -1
  }

  private setLong(key: string): boolean {
    this.length = 0
    if (key.length > MAX_KEY_BYTES) return false
    if (key.isWellFormed()) {
      if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) return false
      this.length = this.buffer.utf8Write(key, 0, MAX_KEY_BYTES)
    } else {
      this.length = this.writeWtf8(key)
    }
    return this.hashBytes()
  }

  /** UTF-8 in which a lone surrogate is its own three bytes, so that different strings never get the same bytes. */
  private writeWtf8(key: string): number {
    const { bytes } = this
    let at = 0
    for (let i = 0; i < key.length; i++) {
      const point = key.codePointAt(i) as number
      if (at + 4 > MAX_KEY_BYTES && at + encodedLength(point) > MAX_KEY_BYTES) return 0
      if (point < 0x80) {
        bytes[at++] = point
      } else if (point < 0x800) {
        bytes[at++] = 0xc0 | (point >> 6)
        bytes[at++] = 0x80 | (point & 63)
      } else if (point < 0x10000) {
        bytes[at++] = 0xe0 | (point >> 12)
        bytes[at++] = 0x80 | ((point >> 6) & 63)
        bytes[at++] = 0x80 | (point & 63)
      } else {
        bytes[at++] = 0xf0 | (point >> 18)
        bytes[at++] = 0x80 | ((point >> 12) & 63)
        bytes[at++] = 0x80 | ((point >> 6) & 63)
        bytes[at++] = 0x80 | (point & 63)
        i++
      }
    }
    return at
  }

  /** Takes over a key's bytes from a record. The caller is pinned. */
  load(from: Uint8Array, at: number, length: number): void {
    if (length <= SHORT_KEY_BYTES) for (let i = 0; i < length; i++) this.bytes[i] = from[at + i]
    else this.bytes.set(from.subarray(at, at + length))
    this.length = length
    this.hashBytes()
  }

  /** Hashes the bytes that lie in place. */
  private hashBytes(): boolean {
    const { length } = this
    if (length > SHORT_KEY_BYTES) {
      this.settle(this.kernel.xxh64(length, this.seedLow, this.seedHigh), this.kernel.high() >>> 16)
      return true
    }
    const { hashKeys, units, bytes } = this
    bytes[length] = 0
    let a = Math.imul(hashKeys[0], length)
    let b = Math.imul(hashKeys[1], length)
    let c = Math.imul(hashKeys[2], length)
    for (let i = 0, lane = HASH_LANES; i < length; i += 2, lane += HASH_LANES) {
      const unit = units[i >> 1]
      a = (a + Math.imul(hashKeys[lane], unit)) | 0
      b = (b + Math.imul(hashKeys[lane + 1], unit)) | 0
      c = (c + Math.imul(hashKeys[lane + 2], unit)) | 0
    }
    this.settle((a & 0xffff0000) | (b >>> 16), c >>> 16)
    return length !== 0
  }
}

function encodedLength(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
}

/** The string that WTF-8 bytes stand for. */
export function decodeKey(buffer: StringBuffer, start: number, end: number): string {
  const text = buffer.utf8Slice(start, end)
  // A replacement character may be in the key itself or stand for a lone surrogate that only WTF-8 can say.
  return text.includes('\ufffd') ? decodeWtf8(buffer, start, end) : text
}

function decodeWtf8(bytes: Uint8Array, start: number, end: number): string {
  const codes: string[] = []
  for (let at = start; at < end; ) {
    const first = bytes[at]
    const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    let point = size === 1 ? first : first & (0xff >> (size + 1))
    for (let i = 1; i < size; i++) point = (point << 6) | (bytes[at + i] & 63)
    // An expelled reader may look at bytes that never were a key: they must not throw.
    const isAlone = (point >= SURROGATES && point < AFTER_SURROGATES) || point > LAST_POINT
    codes.push(isAlone ? String.fromCharCode(point) : String.fromCodePoint(point))
    at += size
  }
  return codes.join('')
}
