// Where on the disk each key's newest record lies: 8 bytes of memory a key, kept 2/3 to 7/8 full, so at most 12. Touches nothing else.
//
// A key is known by part of its hash only: which table, and 24 bits within it. Two keys that share both share one entry, and the later one wins: the
// other becomes a miss. That is so after every restart, too, because the bits are the same. Whoever reads compares the whole key.
//
// An entry stays while any older record of its key may still lie on the disk, even when the key itself is gone (it is then "dead"): so whoever
// finds no entry knows that the disk holds nothing of that key.
import type { Hash64 } from './checksum.js'

const FINGERPRINT_BITS = 24
const FINGERPRINTS = 2 ** FINGERPRINT_BITS
const FREQUENCY_SHIFT = 24
const DEAD = 1 << 26
const LENGTH_SHIFT = 27
const LEAST_SLOTS = 16
const MOST_LOAD = 7 / 8
const LEAST_LOAD = 2 / 3
const GROWTH = 1.25

/** Lengths are known by 32 classes: class c covers up to 64 · √2^c bytes; the last one, whatever is longer. */
const LENGTHS = Float64Array.from({ length: 32 }, (_, c) => (c === 31 ? Infinity : Math.ceil(64 * 2 ** (c / 2))))

export function lengthClass(bytes: number): number {
  const guess = Math.max(0, Math.min(31, Math.ceil(2 * Math.log2(bytes / 64))))
  // The logarithm is not exact at the borders.
  return bytes > (LENGTHS[guess] as number) ? guess + 1 : guess
}

interface Table {
  /** {location, marks} of each slot; location 0 is an empty slot. */
  words: Uint32Array
  slots: number
  count: number
  /** While what the disk holds is still being read: the sequence of each entry, by which the newest wins. */
  sequences: Float64Array | undefined
}

/** One entry at a time is current: `find` and `put` choose it, and it is good until the next call of either or of `remove`. */
export class PlaceIndex {
  readonly #tables: (Table | undefined)[]
  readonly #tableShift: number
  #withSequences: boolean
  #table: Table | undefined
  #slot = 0
  #count = 0

  /** So many slots a table begins with. */
  #first = LEAST_SLOTS

  /** `spread`: the logarithm of the number of tables (0 to 14); part of what a key is known by, so it must stay as it is for a path. */
  constructor(spread: number, withSequences = false) {
    this.#tables = new Array<Table | undefined>(2 ** spread).fill(undefined)
    this.#tableShift = 32 - spread
    this.#withSequences = withSequences
  }

  /** About so many entries are to come. */
  expect(entries: number): void {
    this.#first = Math.max(LEAST_SLOTS, Math.floor(entries / this.#tables.length))
  }

  /** Entries, dead ones included. */
  get count(): number {
    return this.#count
  }

  /** Bytes of memory that the tables take. */
  get bytes(): number {
    let bytes = 0
    for (const table of this.#tables) if (table) bytes += table.words.byteLength + (table.sequences?.byteLength ?? 0)
    return bytes
  }

  find(hash: Hash64): boolean {
    const table = this.#tables[this.#tableOf(hash)]
    this.#table = table
    if (table === undefined) return false
    const slot = seek(table, hash.low & (FINGERPRINTS - 1))
    this.#slot = slot
    return table.words[2 * slot] !== 0
  }

  /** Of the current entry; in units of the disk, never 0. */
  get location(): number {
    return this.#words[2 * this.#slot] as number
  }

  get dead(): boolean {
    return (this.#marks & DEAD) !== 0
  }

  /** How often it was read since it was written, up to 3. */
  get frequency(): number {
    return (this.#marks >>> FREQUENCY_SHIFT) & 3
  }

  /** An upper bound of its record's bytes; Infinity for the longest. */
  get most(): number {
    return LENGTHS[this.#marks >>> LENGTH_SHIFT] as number
  }

  /** 0 unless sequences are kept. */
  get sequence(): number {
    return this.#table?.sequences?.[this.#slot] ?? 0
  }

  /** Counts a use of the current entry. */
  use(): void {
    if (!this.dead && this.frequency < 3) this.#marks += 1 << FREQUENCY_SHIFT
  }

  /** The key of the current entry is gone, but the disk does not say so yet: its value's record still stands there. */
  kill(): void {
    this.#marks = (this.#marks & ~(3 << FREQUENCY_SHIFT)) | DEAD | (1 << FREQUENCY_SHIFT)
  }

  /** The current entry's key is gone, and the disk says so. */
  get buried(): boolean {
    return this.dead && this.frequency === 0
  }

  /** The entry of the key, made or bound anew with frequency 0. */
  put(hash: Hash64, location: number, bytes: number, dead: boolean, sequence = 0): void {
    if (!this.find(hash)) this.#insert(hash)
    this.#words[2 * this.#slot] = location
    this.#words[2 * this.#slot + 1] =
      (hash.low & (FINGERPRINTS - 1)) | (dead ? DEAD : 0) | (lengthClass(bytes) << LENGTH_SHIFT)
    const sequences = this.#table?.sequences
    if (sequences) sequences[this.#slot] = sequence
  }

  /** The current entry's record was copied to another place. */
  move(location: number): void {
    this.#words[2 * this.#slot] = location
    this.#marks &= ~(3 << FREQUENCY_SHIFT)
  }

  /** Takes the current entry out. */
  remove(): void {
    const table = this.#table as Table
    const { words, slots, sequences } = table
    let hole = this.#slot
    let next = hole
    for (;;) {
      next = next + 1 === slots ? 0 : next + 1
      if (words[2 * next] === 0) break
      const home = homeOf((words[2 * next + 1] as number) & (FINGERPRINTS - 1), slots)
      // Whether the hole lies between this entry's home and its place, going round.
      if ((next - home + slots) % slots < (next - hole + slots) % slots) continue
      words[2 * hole] = words[2 * next] as number
      words[2 * hole + 1] = words[2 * next + 1] as number
      if (sequences) sequences[hole] = sequences[next] as number
      hole = next
    }
    words[2 * hole] = 0
    words[2 * hole + 1] = 0
    table.count--
    this.#count--
    if (slots > LEAST_SLOTS && table.count < slots * LEAST_LOAD) resize(table, Math.floor(slots / GROWTH))
    this.#table = undefined
  }

  clear(): void {
    this.#tables.fill(undefined)
    this.#count = 0
    this.#table = undefined
  }

  /** What the disk holds has been read: sequences are not needed any more. */
  forgetSequences(): void {
    this.#withSequences = false
    this.#first = LEAST_SLOTS
    for (const table of this.#tables) if (table) table.sequences = undefined
  }

  /** Every location, for checks and for sweeping what lies in a region that cannot be read. */
  *locations(): Generator<number> {
    for (const table of this.#tables) {
      if (!table) continue
      for (let slot = 0; slot < table.slots; slot++) {
        const location = table.words[2 * slot] as number
        if (location !== 0) yield location
      }
    }
  }

  #tableOf(hash: Hash64): number {
    return this.#tables.length === 1 ? 0 : hash.high >>> this.#tableShift
  }

  #insert(hash: Hash64): void {
    const at = this.#tableOf(hash)
    let table = this.#tables[at]
    if (table === undefined) {
      table = emptyTable(this.#first, this.#withSequences)
      this.#tables[at] = table
    }
    if (table.count + 1 > table.slots * MOST_LOAD) resize(table, Math.ceil(table.slots * GROWTH))
    table.count++
    this.#count++
    this.#table = table
    this.#slot = seek(table, hash.low & (FINGERPRINTS - 1))
  }

  get #words(): Uint32Array {
    return (this.#table as Table).words
  }

  get #marks(): number {
    return this.#words[2 * this.#slot + 1] as number
  }

  set #marks(marks: number) {
    this.#words[2 * this.#slot + 1] = marks
  }
}

function emptyTable(slots: number, withSequences: boolean): Table {
  const sequences = withSequences ? new Float64Array(slots) : undefined
  return { words: new Uint32Array(2 * slots), slots, count: 0, sequences }
}

function homeOf(fingerprint: number, slots: number): number {
  return Math.floor((fingerprint * slots) / FINGERPRINTS)
}

/** The slot that holds the fingerprint, or the empty one where it belongs. */
function seek({ words, slots }: Table, fingerprint: number): number {
  let slot = homeOf(fingerprint, slots)
  for (;;) {
    if (words[2 * slot] === 0 || ((words[2 * slot + 1] as number) & (FINGERPRINTS - 1)) === fingerprint) return slot
    slot = slot + 1 === slots ? 0 : slot + 1
  }
}

function resize(table: Table, slots: number): void {
  const { words, sequences, slots: before } = table
  table.slots = Math.max(slots, LEAST_SLOTS)
  table.words = new Uint32Array(2 * table.slots)
  table.sequences = sequences && new Float64Array(table.slots)
  for (let slot = 0; slot < before; slot++) {
    if (words[2 * slot] === 0) continue
    const marks = words[2 * slot + 1] as number
    const at = seek(table, marks & (FINGERPRINTS - 1))
    table.words[2 * at] = words[2 * slot] as number
    table.words[2 * at + 1] = marks
    if (table.sequences && sequences) table.sequences[at] = sequences[slot] as number
  }
}
