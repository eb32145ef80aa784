// What loading threads tell each other about their leases beside the leases themselves: the stamp of tags when a load began, how many threads wait
// for it, and which other lease its loader waits for. Advice: of a lease that has just begun, what an earlier one left in its line may be
// read for a moment, and whoever reads it must be right either way. Touches its part of the control region (layout.ts).
import type { Engine } from '../engine/engine.js'
import { Control, LEASES } from '../engine/layout.js'
import { lineOf } from '../engine/lease-token.js'

export class LeaseAdvice {
  readonly #stamps: Uint32Array
  readonly #waiters: Uint8Array
  readonly #waits: Uint16Array

  constructor(engine: Engine) {
    const control = engine.leaseWords.buffer
    this.#stamps = new Uint32Array(control, Control.loadStamps, LEASES)
    this.#waiters = new Uint8Array(control, Control.loadWaiters, LEASES)
    this.#waits = new Uint16Array(control, Control.loadWaits, LEASES)
  }

  /** The lease is this thread's and begins: nobody waits for it and it waits for nobody. */
  begin(token: number, stamp: number): void {
    const line = lineOf(token)
    Atomics.store(this.#waiters, line, 0)
    Atomics.store(this.#waits, line, 0)
    Atomics.store(this.#stamps, line, stamp)
  }

  /** The stamp of tags when the load began. An older one, of the line's last lease, equals the present stamp only if nothing was invalidated since. */
  stampOf(token: number): number {
    return Atomics.load(this.#stamps, lineOf(token))
  }

  /** This thread begins (1) or ceases (−1) to wait for the lease. */
  addWaiter(token: number, by: 1 | -1): void {
    Atomics.add(this.#waiters, lineOf(token), by)
  }

  hasWaiters(token: number): boolean {
    return Atomics.load(this.#waiters, lineOf(token)) > 0
  }

  /** The loader of one lease waits for another one. */
  waits(token: number, other: number): void {
    Atomics.store(this.#waits, lineOf(token), lineOf(other) + 1)
  }

  waitsNoLonger(token: number, other: number): void {
    Atomics.compareExchange(this.#waits, lineOf(token), lineOf(other) + 1, 0)
  }

  waitsForNothing(token: number): void {
    Atomics.store(this.#waits, lineOf(token), 0)
  }

  /** The line that this line's loader waits for, −1 for none. */
  next(line: number): number {
    return Atomics.load(this.#waits, line) - 1
  }
}
