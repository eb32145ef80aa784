// A ring of fixed records between exactly one writer and one reader. Each side keeps its own index and publishes it once for many records; both
// indexes only grow, wrapping at 2^32. May touch: the words it is told of.

/** The writer's side. `room` before every `place`; what is placed is seen after `publish`. */
export class RingWriter {
  readonly #words: Int32Array
  readonly #head: number
  readonly #tail: number
  readonly #at: number
  readonly #depth: number
  readonly #width: number
  #next = 0

  constructor(words: Int32Array, head: number, tail: number, at: number, depth: number, width: number) {
    this.#words = words
    this.#head = head
    this.#tail = tail
    this.#at = at
    this.#depth = depth
    this.#width = width
  }

  /** Records that may be placed now. */
  room(): number {
    return this.#depth - ((this.#next - Atomics.load(this.#words, this.#tail)) | 0)
  }

  /** The word where the next record is to be written; there must be room. */
  place(): number {
    const at = this.#at + ((this.#next >>> 0) % this.#depth) * this.#width
    this.#next = (this.#next + 1) | 0
    return at
  }

  publish(): void {
    Atomics.store(this.#words, this.#head, this.#next)
  }
}

/** The reader's side. What is taken may be overwritten after `publish`. */
export class RingReader {
  readonly #words: Int32Array
  readonly #head: number
  readonly #tail: number
  readonly #at: number
  readonly #depth: number
  readonly #width: number
  #next = 0

  constructor(words: Int32Array, head: number, tail: number, at: number, depth: number, width: number) {
    this.#words = words
    this.#head = head
    this.#tail = tail
    this.#at = at
    this.#depth = depth
    this.#width = width
  }

  /** Records that may be taken now. */
  available(): number {
    return (Atomics.load(this.#words, this.#head) - this.#next) | 0
  }

  /** The word where the next record stands; one must be available. */
  take(): number {
    const at = this.#at + ((this.#next >>> 0) % this.#depth) * this.#width
    this.#next = (this.#next + 1) | 0
    return at
  }

  publish(): void {
    Atomics.store(this.#words, this.#tail, this.#next)
  }
}
