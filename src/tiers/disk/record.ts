// One record of the log as bytes (docs/disk-format.md, "Records"). Whatever is read is checked before it is believed: lengths against the bytes that
// are there, then the checksum, whose seed is the life of the region, so that what an earlier life left behind is never taken for a record.
import type { Hash64, Xxh64 } from './checksum.js'

export const RecordType = { value: 1, tombstone: 2, tags: 3 } as const
export type RecordTypeCode = (typeof RecordType)[keyof typeof RecordType]

export const RECORD_MAGIC = 0x534f
export const RECORD_VERSION = 1
/** Records begin at multiples of this. */
export const UNIT = 16
export const RECORD_HEADER = 40
/** The checksum stands before what it covers, so that checking writes nothing. */
const CHECKSUM = 8
export const MAX_KEY_BYTES = 65_535
export const MAX_TAGS = 256

const Flag = { expiry: 1, soft: 2, tags: 4, packed: 8, shadows: 16, guard: 32 } as const
const KNOWN_FLAGS = 63

/** A record as it is written, and as it is read. What does not belong to its type is as in `plain`. */
export interface DiskRecord {
  readonly type: RecordTypeCode
  readonly hash: Hash64
  readonly sequence: number
  /** When it was written, an older record of its key may have lain on the disk. */
  readonly shadows: boolean
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** How the value's bytes are to be read; 0 to 255, meaningless here. */
  readonly kind: number
  /** How they were compressed (0: not), and their length before. */
  readonly codec: number
  readonly rawLength: number
  /** On the disk's clock, in ms; Infinity for none. `soft` is when it stops being fresh. */
  readonly expiry: number
  readonly soft: number
  /** Counters of its tags, and the sequence from which on an invalidation of one of them concerns it. */
  readonly tags: readonly number[]
  readonly stamp: number
  /** Of a tombstone: older records of its key lie in regions of at most this life. */
  readonly guard: number
}

const none = new Uint8Array(0)
const noTags: readonly number[] = []

/** What is kept with a value. */
export interface DiskEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly kind: number
  readonly codec: number
  readonly rawLength: number
  readonly expiry: number
  readonly soft: number
  readonly tags: readonly number[]
  readonly stamp: number
}

/** Every record is made here, with the same fields in the same order: there are millions of them. */
function makeRecord(
  type: RecordTypeCode,
  hash: Hash64,
  sequence: number,
  shadows: boolean,
  { key, value, kind, codec, rawLength, expiry, soft, tags, stamp }: DiskEntry,
  guard: number,
): DiskRecord {
  return { type, hash, sequence, shadows, key, value, kind, codec, rawLength, expiry, soft, tags, stamp, guard }
}

/** Nothing: the fields of an entry that has none of them. */
export const plain: DiskEntry = {
  key: none,
  value: none,
  kind: 0,
  codec: 0,
  rawLength: 0,
  expiry: Infinity,
  soft: Infinity,
  tags: noTags,
  stamp: 0,
}

export function valueRecord(hash: Hash64, sequence: number, shadows: boolean, entry: DiskEntry): DiskRecord {
  return makeRecord(RecordType.value, hash, sequence, shadows, entry, 0)
}

export function tombstoneRecord(hash: Hash64, sequence: number, guard: number): DiskRecord {
  return makeRecord(RecordType.tombstone, hash, sequence, true, plain, guard)
}

export function tagsRecord(sequence: number, tags: readonly number[]): DiskRecord {
  return makeRecord(RecordType.tags, { high: 0, low: 0 }, sequence, false, { ...plain, tags, stamp: sequence }, 0)
}

const EPOCH = 2 ** 32

/** A sequence is {owner epoch, count within it}: what a later owner writes is later, whatever it knows of its forerunners. */
export function sequenceOf(epoch: number, count: number): number {
  return epoch * EPOCH + count
}

export function epochOf(sequence: number): number {
  return Math.floor(sequence / EPOCH)
}

/** Bytes that a record takes, padding included. */
export function recordBytes(record: DiskRecord): number {
  return roundUp(
    RECORD_HEADER + optionBytes(flagsOf(record), record.tags.length) + record.key.length + record.value.length,
  )
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT
}

function flagsOf(record: DiskRecord): number {
  return (
    (record.expiry !== Infinity ? Flag.expiry : 0) |
    (record.soft !== Infinity ? Flag.soft : 0) |
    (record.tags.length > 0 ? Flag.tags : 0) |
    (record.codec !== 0 ? Flag.packed : 0) |
    (record.shadows ? Flag.shadows : 0) |
    (record.type === RecordType.tombstone ? Flag.guard : 0)
  )
}

function optionBytes(flags: number, tags: number): number {
  let bytes = 0
  if (flags & Flag.expiry) bytes += 8
  if (flags & Flag.soft) bytes += 8
  if (flags & Flag.packed) bytes += 8
  if (flags & Flag.guard) bytes += 8
  if (flags & Flag.tags) bytes += 8 + 8 * Math.ceil((2 * tags) / 8)
  return bytes
}

/** Writes the record at the start of `target`, which has `recordBytes` of room, all of it overwritten. */
export function writeRecord(target: Uint8Array, record: DiskRecord, life: number, xxh64: Xxh64): void {
  const flags = flagsOf(record)
  const view = new DataView(target.buffer, target.byteOffset, target.length)
  const { key, value } = record
  view.setUint16(8, RECORD_MAGIC, true)
  view.setUint8(10, RECORD_VERSION)
  view.setUint8(11, record.type)
  view.setUint16(12, flags, true)
  view.setUint16(14, key.length, true)
  view.setUint32(16, value.length, true)
  view.setUint8(20, record.kind)
  view.setUint8(21, record.codec)
  view.setUint16(22, record.tags.length, true)
  view.setUint32(24, record.sequence % EPOCH, true)
  view.setUint32(28, epochOf(record.sequence), true)
  view.setUint32(32, record.hash.low, true)
  view.setUint32(36, record.hash.high, true)
  let at = RECORD_HEADER
  const number = (value: number) => {
    view.setFloat64(at, value, true)
    at += 8
  }
  if (flags & Flag.expiry) number(record.expiry)
  if (flags & Flag.soft) number(record.soft)
  if (flags & Flag.packed) number(record.rawLength)
  if (flags & Flag.guard) number(record.guard)
  if (flags & Flag.tags) {
    number(record.stamp)
    const end = at + 8 * Math.ceil((2 * record.tags.length) / 8)
    target.fill(0, at, end)
    for (const [index, tag] of record.tags.entries()) view.setUint16(at + 2 * index, tag, true)
    at = end
  }
  target.set(key, at)
  target.set(value, at + key.length)
  at += key.length + value.length
  target.fill(0, at, roundUp(at))
  view.setBigUint64(0, xxh64(target.subarray(CHECKSUM, at), BigInt(life)), true)
}

/** The length in bytes, padding included, that a record claims to have at the start of these bytes; 0 when no record begins there. */
export function claimedBytes(bytes: Uint8Array): number {
  if (bytes.length < RECORD_HEADER) return 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint16(8, true) !== RECORD_MAGIC || view.getUint8(10) !== RECORD_VERSION) return 0
  const type = view.getUint8(11)
  const flags = view.getUint16(12, true)
  const tags = view.getUint16(22, true)
  if (type < 1 || type > 3 || (flags & ~KNOWN_FLAGS) !== 0 || tags > MAX_TAGS) return 0
  return roundUp(RECORD_HEADER + optionBytes(flags, tags) + view.getUint16(14, true) + view.getUint32(16, true))
}

/**
 * The record at the start of these bytes, or undefined: not whole, not of this life, damaged. Key and value are views into the bytes. Never throws,
 * and allocates nothing by a length that it read.
 */
export function readRecord(bytes: Uint8Array, life: number, xxh64: Xxh64): DiskRecord | undefined {
  const claimed = claimedBytes(bytes)
  if (claimed === 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = view.getUint16(12, true)
  const keyLength = view.getUint16(14, true)
  const valueLength = view.getUint32(16, true)
  const tagCount = view.getUint16(22, true)
  const body = RECORD_HEADER + optionBytes(flags, tagCount)
  const end = body + keyLength + valueLength
  if (end > bytes.length) return undefined
  if (xxh64(bytes.subarray(CHECKSUM, end), BigInt(life)) !== view.getBigUint64(0, true)) return undefined
  let at = RECORD_HEADER
  const number = (present: number, otherwise: number) => {
    if (present === 0) return otherwise
    at += 8
    return view.getFloat64(at - 8, true)
  }
  const expiry = number(flags & Flag.expiry, Infinity)
  const soft = number(flags & Flag.soft, Infinity)
  const rawLength = number(flags & Flag.packed, 0)
  const guard = number(flags & Flag.guard, 0)
  const stamp = number(flags & Flag.tags, 0)
  const tags =
    flags & Flag.tags ? Array.from({ length: tagCount }, (_, index) => view.getUint16(at + 2 * index, true)) : noTags
  const entry = {
    key: bytes.subarray(body, body + keyLength),
    value: bytes.subarray(body + keyLength, end),
    kind: view.getUint8(20),
    codec: view.getUint8(21),
    rawLength,
    expiry,
    soft,
    tags,
    stamp,
  }
  const hash = { high: view.getUint32(36, true), low: view.getUint32(32, true) }
  const sequence = sequenceOf(view.getUint32(28, true), view.getUint32(24, true))
  return makeRecord(view.getUint8(11) as RecordTypeCode, hash, sequence, (flags & Flag.shadows) !== 0, entry, guard)
}
