// How an owner waits for its doorbell: blocked, where nothing of its own is under way; by its event loop, where a service waits for something that only
// that brings. Used by the owner's thread alone. May touch: its doorbell and its word `parked`, one timer.
import { changed } from '../channel/wait-async.js'
import { Row } from './owner-layout.js'
import type { OwnerMemory } from './owner-memory.js'

export class Rest {
  readonly #memory: OwnerMemory
  readonly #index: number
  readonly #bell: number
  readonly #parked: number
  #ringing: Promise<unknown> | undefined

  constructor(memory: OwnerMemory, index: number) {
    this.#memory = memory
    this.#index = index
    this.#bell = memory.at(index, Row.doorbell)
    this.#parked = memory.at(index, Row.parked)
  }

  /** What the bell shows now; before looking whether there is anything to do. */
  look(): number {
    return Atomics.load(this.#memory.words, this.#bell)
  }

  /** Blocks the thread until the bell shows something else, or for that long. */
  sleep(seen: number, milliseconds: number): void {
    const { words } = this.#memory
    Atomics.store(words, this.#parked, 1)
    Atomics.wait(words, this.#bell, seen, milliseconds)
    Atomics.store(words, this.#parked, 0)
  }

  /** The same with the event loop going on. */
  async wait(seen: number, milliseconds: number): Promise<void> {
    this.#memory.write(this.#index, Row.parked, 1)
    // One that is left from before resolves with the next ring as well.
    this.#ringing ??= changed(this.#memory.words, this.#bell, seen).then(() => {
      this.#ringing = undefined
    })
    let timer: NodeJS.Timeout | undefined
    // Whoever rang between the last look and this wait has changed the word.
    if (this.look() === seen) {
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds)
      })
      await Promise.race([this.#ringing, over])
      clearTimeout(timer)
    } else await new Promise(setImmediate)
    this.#memory.write(this.#index, Row.parked, 0)
  }
}
