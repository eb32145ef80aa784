// The two ends of a region as bytes (docs/disk-format.md, "Regions"): its header, written when it is opened or emptied, and its footer, written when
// it is full, from which a restart learns all that lies in it. Touches the bytes it is given.
import { Fields, isSigned, isZero, sign } from './blocks.js'
import type { Hash64, Xxh64 } from './checksum.js'
import { epochOf, RecordType, type RecordTypeCode, sequenceOf, UNIT } from './record.js'

export const REGION_MAGIC = 0x4e474552
export const FOOTER_MAGIC = 0x544f4f46
export const REGION_VERSION = 1
export const REGION_HEADER = 64
export const ENTRY_BYTES = 16
export const TRAILER = 96
/** A region's records come from at most so many owner epochs, so that an entry needs a byte for its own. */
export const MAX_EPOCHS = 255

/** Which region and store a block belongs to: part of every checksum, so that a block copied elsewhere is not believed. */
export interface RegionIdentity {
  readonly store: bigint
  readonly partition: number
  readonly region: number
}

const seedOf = ({ store, partition, region }: RegionIdentity): bigint =>
  (store ^ (BigInt(partition) << 32n) ^ BigInt(region)) & 0xffffffffffffffffn

export interface RegionHeader {
  /** 0: nothing lies in it. */
  readonly life: number
  readonly lifetime: number
  /** The owner that wrote this; 0: nobody ever did. */
  readonly writer: number
  readonly openedAt: number
}

export function writeRegionHeader(identity: RegionIdentity, header: RegionHeader, xxh64: Xxh64): Uint8Array {
  const bytes = new Uint8Array(REGION_HEADER)
  const fields = new Fields(bytes)
  fields.u32(REGION_MAGIC)
  fields.u32(REGION_VERSION)
  fields.f64(header.life)
  fields.u32(header.lifetime)
  fields.u32(header.writer)
  fields.f64(header.openedAt)
  sign(bytes, seedOf(identity), xxh64)
  return bytes
}

const neverWritten: RegionHeader = { life: 0, lifetime: 0, writer: 0, openedAt: 0 }

/** 'damaged' is neither a header of ours nor a place that was never written. */
export function readRegionHeader(identity: RegionIdentity, bytes: Uint8Array, xxh64: Xxh64): RegionHeader | 'damaged' {
  if (bytes.length < REGION_HEADER) return isZero(bytes) ? neverWritten : 'damaged'
  const header = bytes.subarray(0, REGION_HEADER)
  if (isZero(header)) return neverWritten
  const fields = new Fields(header)
  if (fields.u32() !== REGION_MAGIC || fields.u32() !== REGION_VERSION) return 'damaged'
  if (!isSigned(header, seedOf(identity), xxh64)) return 'damaged'
  const life = fields.f64()
  const lifetime = fields.u32()
  const writer = fields.u32()
  return { life, lifetime, writer, openedAt: fields.f64() }
}

/** What a footer says of one record. */
export interface FooterEntry {
  readonly type: RecordTypeCode
  readonly hash: Hash64
  readonly sequence: number
  readonly shadows: boolean
  /** Of its first byte, from the start of the region, in units. */
  readonly unit: number
  /** Bytes up to the next record. */
  readonly bytes: number
}

export interface Footer {
  readonly life: number
  /** The owner that wrote it, which need not be the one that wrote the region. */
  readonly writer: number
  /** Where its records end, in units. */
  readonly units: number
  /** When the last of its values has expired; Infinity when one never does. */
  readonly deadBy: number
  readonly sealedAt: number
  /** The youngest life when it was sealed: older records of what it holds lie in none that is younger. */
  readonly guard: number
  readonly entries: FooterEntries
}

/** The entries of a footer, in the order of their records, read where they lie. */
export interface FooterEntries {
  readonly length: number
  at(index: number): FooterEntry
}

/** The entries of a region that is being filled: packed as they will be written. */
export class EntryList {
  #words = new Uint32Array(4 * 256)
  #count = 0
  readonly #epochs: number[] = []

  get count(): number {
    return this.#count
  }

  /** False when the region has records of too many owners already. */
  accepts(sequence: number): boolean {
    return this.#epochs.length < MAX_EPOCHS || this.#epochs.includes(epochOf(sequence))
  }

  add(type: RecordTypeCode, hash: Hash64, sequence: number, shadows: boolean, unit: number): void {
    if (4 * this.#count === this.#words.length) {
      const words = new Uint32Array(this.#words.length * 2)
      words.set(this.#words)
      this.#words = words
    }
    const epoch = epochOf(sequence)
    let row = this.#epochs.indexOf(epoch)
    if (row < 0) row = this.#epochs.push(epoch) - 1
    const at = 4 * this.#count++
    this.#words[at] = hash.low
    this.#words[at + 1] = hash.high
    this.#words[at + 2] = sequence - sequenceOf(epoch, 0)
    this.#words[at + 3] = unit | (type << 20) | (shadows ? 1 << 22 : 0) | (row << 24)
  }

  /** Bytes that its footer takes, with `more` entries than it has now. */
  footerBytes(more: number): number {
    return ENTRY_BYTES * (this.#count + more) + epochBytes(this.#epochs.length + (more > 0 ? 1 : 0)) + TRAILER
  }

  footer(identity: RegionIdentity, facts: Omit<Footer, 'entries'>, xxh64: Xxh64): Uint8Array {
    const bytes = new Uint8Array(this.footerBytes(0))
    const fields = new Fields(bytes)
    for (let at = 0; at < 4 * this.#count; at++) fields.u32(this.#words[at] as number)
    for (const epoch of this.#epochs) fields.u32(epoch)
    fields.at = bytes.length - TRAILER
    fields.u32(FOOTER_MAGIC)
    fields.u32(REGION_VERSION)
    fields.u32(this.#count)
    fields.u32(this.#epochs.length)
    fields.f64(facts.life)
    fields.u32(facts.writer)
    fields.u32(facts.units)
    fields.f64(facts.deadBy)
    fields.f64(facts.sealedAt)
    fields.f64(facts.guard)
    sign(bytes, seedOf(identity), xxh64)
    return bytes
  }
}

const epochBytes = (epochs: number): number => Math.ceil((4 * epochs) / UNIT) * UNIT

/** How long the footer is whose trailer these 96 bytes claim to be, at most `most`; 0: none. */
export function claimedFooterBytes(trailer: Uint8Array, most: number): number {
  if (trailer.length !== TRAILER) return 0
  const fields = new Fields(trailer)
  if (fields.u32() !== FOOTER_MAGIC || fields.u32() !== REGION_VERSION) return 0
  const count = fields.u32()
  const epochs = fields.u32()
  if (epochs > MAX_EPOCHS) return 0
  const bytes = ENTRY_BYTES * count + epochBytes(epochs) + TRAILER
  return bytes <= most ? bytes : 0
}

/** Of what life the footer claims to be whose trailer this is. */
export function claimedLife(trailer: Uint8Array): number {
  if (trailer.length < TRAILER) return 0
  return new DataView(trailer.buffer, trailer.byteOffset, trailer.length).getFloat64(16, true)
}

/** The footer that fills these bytes; undefined when it is damaged or not of this region. */
export function readFooter(identity: RegionIdentity, bytes: Uint8Array, xxh64: Xxh64): Footer | undefined {
  if (bytes.length < TRAILER) return undefined
  if (claimedFooterBytes(bytes.subarray(bytes.length - TRAILER), bytes.length) !== bytes.length) return undefined
  if (!isSigned(bytes, seedOf(identity), xxh64)) return undefined
  const fields = new Fields(bytes)
  fields.at = bytes.length - TRAILER + 8
  const count = fields.u32()
  const epochCount = fields.u32()
  const facts = {
    life: fields.f64(),
    writer: fields.u32(),
    units: fields.u32(),
    deadBy: fields.f64(),
    sealedAt: fields.f64(),
    guard: fields.f64(),
  }
  fields.at = ENTRY_BYTES * count
  const epochs = Uint32Array.from({ length: epochCount }, () => fields.u32())
  const entries = new EntriesInPlace(fields.view, count, epochs, facts.units)
  return entries.areSound() ? { ...facts, entries } : undefined
}

class EntriesInPlace implements FooterEntries {
  readonly length: number
  readonly #view: DataView
  readonly #epochs: Uint32Array
  readonly #end: number

  constructor(view: DataView, length: number, epochs: Uint32Array, end: number) {
    this.#view = view
    this.length = length
    this.#epochs = epochs
    this.#end = end
  }

  areSound(): boolean {
    let least = REGION_HEADER / UNIT
    for (let index = 0; index < this.length; index++) {
      const word = this.#word(index)
      const type = (word >>> 20) & 3
      const unit = word & 0xfffff
      if (type < RecordType.value || word >>> 24 >= this.#epochs.length || unit < least) return false
      least = unit + 1
    }
    return least <= Math.max(this.#end, REGION_HEADER / UNIT)
  }

  at(index: number): FooterEntry {
    const at = ENTRY_BYTES * index
    const word = this.#word(index)
    const unit = word & 0xfffff
    const ends = index + 1 < this.length ? this.#word(index + 1) & 0xfffff : this.#end
    return {
      type: ((word >>> 20) & 3) as RecordTypeCode,
      hash: { high: this.#view.getUint32(at + 4, true), low: this.#view.getUint32(at, true) },
      sequence: sequenceOf(this.#epochs[word >>> 24] as number, this.#view.getUint32(at + 8, true)),
      shadows: (word & (1 << 22)) !== 0,
      unit,
      bytes: (ends - unit) * UNIT,
    }
  }

  #word(index: number): number {
    return this.#view.getUint32(ENTRY_BYTES * index + 12, true)
  }
}
