// A block that is replaced as a whole and must neither be torn by a crash nor lost to a flipped bit: four copies have room in the file, two of which an
// owner writes, one after the other, chosen by its epoch. A torn write leaves the other of the pair, a damaged one too, and what a former owner still
// writes late lands on its own pair. Touches the file it is given.
import { isZero } from './blocks.js'
import type { DiskFile } from './io.js'

const COPIES = 4

export interface Numbered {
  readonly epoch: number
  /** Counts within an epoch. */
  readonly number: number
}

export class TwinBlocks<T extends Numbered> {
  readonly #at: number
  readonly #bytes: number
  readonly #encode: (value: T) => Uint8Array
  readonly #decode: (bytes: Uint8Array) => T | undefined

  constructor(
    at: number,
    bytes: number,
    encode: (value: T) => Uint8Array,
    decode: (bytes: Uint8Array) => T | undefined,
  ) {
    this.#at = at
    this.#bytes = bytes
    this.#encode = encode
    this.#decode = decode
  }

  static area(bytes: number): number {
    return COPIES * bytes
  }

  async store(file: DiskFile, value: T): Promise<void> {
    const bytes = this.#encode(value)
    const first = (value.epoch & 1) * 2
    for (const copy of [first, first + 1]) await file.write([bytes], this.#at + copy * this.#bytes)
  }

  /** The latest of the greatest epoch; undefined when none was written. 'damaged': the latest one may be lost. */
  async load(file: DiskFile): Promise<T | undefined | 'damaged'> {
    const all = new Uint8Array(COPIES * this.#bytes)
    const length = await file.read(all, this.#at)
    const copies = Array.from({ length: COPIES }, (_, copy) => {
      const bytes = all.subarray(copy * this.#bytes, (copy + 1) * this.#bytes)
      if (isZero(bytes)) return undefined
      return (copy + 1) * this.#bytes <= length ? (this.#decode(bytes) ?? ('damaged' as const)) : ('damaged' as const)
    })
    if (copies[0] === 'damaged' && copies[1] === 'damaged') return 'damaged'
    if (copies[2] === 'damaged' && copies[3] === 'damaged') return 'damaged'
    let best: T | undefined
    for (const copy of copies)
      if (copy !== undefined && copy !== 'damaged' && (!best || isLater(copy, best))) best = copy
    return best
  }
}

function isLater(one: Numbered, other: Numbered): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.number > other.number)
}
