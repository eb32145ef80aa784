// Two ways to bound what goes on at once: so many at a time and so many waiting, and one batch at a time that carries all who asked before it began.
// Touches nothing.

/** At most `abreast` run at once and `waiting` wait for their turn. */
export class Turns {
  readonly #abreast: number
  readonly #most: number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(abreast: number, waiting: number) {
    this.#abreast = abreast
    this.#most = waiting
  }

  /** Undefined when as many wait as may. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= this.#abreast) {
      if (this.#waiting.length >= this.#most) return undefined
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    } else {
      this.#running++
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}

/** Whoever asks while a batch runs is carried by the next one: what he wants done may have come too late for this one. */
export class Batches {
  readonly #work: () => Promise<void>
  #current: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Resolves when a batch that began after this call has ended; rejects as it does. */
  run(): Promise<void> {
    if (this.#next !== undefined) return this.#next
    if (this.#current === undefined) return this.#begin()
    this.#next = this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    )
    return this.#next
  }

  #begin(): Promise<void> {
    this.#next = undefined
    const current = this.#work().finally(() => {
      if (this.#current === current) this.#current = undefined
    })
    this.#current = current
    return current
  }
}
