// What was changed while the disk could not be reached: another process held the path, or the disk did not answer. What lies there may be older. Applied as soon
// as it is reached, before anything is served from it. Bounded: beyond that everything goes. Touches nothing.
import type { Hash64 } from './checksum.js'

const MOST = 65_536

export interface ChangeTarget {
  remove(hash: Hash64): void
  invalidateTags(counters: readonly number[]): void
  clear(): void
}

export class MissedChanges {
  readonly #keys = new Map<string, Hash64>()
  readonly #tags = new Set<number>()
  #all = false

  get any(): boolean {
    return this.#all || this.#keys.size > 0 || this.#tags.size > 0
  }

  key(hash: Hash64): void {
    if (this.#all) return
    this.#keys.set(`${hash.high}:${hash.low}`, hash)
    if (this.#keys.size > MOST) this.everything()
  }

  tags(counters: readonly number[]): void {
    if (!this.#all) for (const counter of counters) this.#tags.add(counter)
  }

  everything(): void {
    this.#all = true
    this.#keys.clear()
    this.#tags.clear()
  }

  /** Whether there were any; they are forgotten here. */
  apply(target: ChangeTarget): boolean {
    const { any } = this
    if (this.#all) target.clear()
    if (this.#tags.size > 0) target.invalidateTags([...this.#tags])
    for (const hash of this.#keys.values()) target.remove(hash)
    this.#all = false
    this.#keys.clear()
    this.#tags.clear()
    return any
  }
}
