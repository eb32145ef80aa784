// Gives every distinct key a number from 0 on. Open addressing over typed arrays: a Map of strings would need four
// times the memory and a string for each of millions of requests. May touch: nothing outside its arguments.
import { randomInt } from 'node:crypto'
import { OstrakaError } from '../errors.js'

export class KeyTable {
  /** Random for each table, so that a file cannot be made on purpose to put all its keys into one place. */
  readonly #seed = randomInt(2 ** 31)
  #slots = new Uint32Array(1 << 12)
  #mask = this.#slots.length - 1
  #hashes = new Uint32Array(1 << 11)
  #offsets = new Uint32Array((1 << 11) + 1)
  #bytes = new Uint8Array(1 << 16)
  #count = 0

  /** Distinct keys so far. */
  get count(): number {
    return this.#count
  }

  /** The number of the key `bytes[start … end)`, a new one if it was never seen. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x0100_0193)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x2c1b_3c6d)
    hash = (hash ^ (hash >>> 13)) >>> 0

    const mask = this.#mask
    let slot = hash & mask
    for (let found = this.#slots[slot]!; found !== 0; found = this.#slots[slot]!) {
      if (this.#hashes[found - 1] === hash && this.#same(found - 1, bytes, start, end)) return found - 1
      slot = (slot + 1) & mask
    }
    return this.#insert(slot, hash, bytes, start, end)
  }

  /** The keys behind each other, and where each begins, in shared memory. */
  shared(): { keyBytes: Uint8Array; keyOffsets: Uint32Array } {
    const used = this.#offsets[this.#count]!
    const keyBytes = new Uint8Array(new SharedArrayBuffer(used))
    keyBytes.set(this.#bytes.subarray(0, used))
    const keyOffsets = new Uint32Array(new SharedArrayBuffer((this.#count + 1) * 4))
    keyOffsets.set(this.#offsets.subarray(0, this.#count + 1))
    return { keyBytes, keyOffsets }
  }

  #same(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#bytes
    let at = this.#offsets[id]!
    if (this.#offsets[id + 1]! - at !== end - start) return false
    for (let other = start; other < end; other++) if (own[at++] !== bytes[other]) return false
    return true
  }

  #insert(slot: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const id = this.#count
    const at = this.#offsets[id]!
    const until = at + end - start
    if (until > 0xffff_ffff || id >= 0x7fff_ffff) {
      throw new OstrakaError('OSTRAKA_ERR_TRACE_UNREADABLE', 'the distinct keys of the trace take more than 4 GiB')
    }
    if (until > this.#bytes.length) {
      const wider = new Uint8Array(Math.min(Math.max(this.#bytes.length * 2, until), 0xffff_ffff))
      wider.set(this.#bytes.subarray(0, at))
      this.#bytes = wider
    }
    if (id === this.#hashes.length) {
      this.#hashes = grown(this.#hashes, id * 2)
      this.#offsets = grown(this.#offsets, id * 2 + 1)
    }
    // A loop, since keys are short and the set method of typed arrays costs more than 20 bytes do.
    for (let from = start, to = at; from < end; from++, to++) this.#bytes[to] = bytes[from]!
    this.#offsets[id + 1] = until
    this.#hashes[id] = hash
    this.#slots[slot] = id + 1
    this.#count = id + 1
    if (this.#count * 2 > this.#slots.length) this.#rehash()
    return id
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let id = 0; id < this.#count; id++) {
      let slot = this.#hashes[id]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = id + 1
    }
    this.#slots = slots
    this.#mask = mask
  }
}

function grown(old: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(length)
  wider.set(old)
  return wider
}
