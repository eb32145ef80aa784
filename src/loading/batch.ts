// Collects single loads and runs them as one: what DataLoader does, below the cache, so that each key keeps its own lease, stale value and
// waiters. Touches one timer, and the queue when a batch runs.
import { OstrakaError } from '../errors.js'
import { show } from '../options/validate.js'
import { running } from './context.js'
import type { Flight } from './flight.js'
import type { LoadContext } from './load-options.js'
import type { LoadQueue } from './queue.js'

/** Loads all items at once: the results aligned with them, an Error in place of a single one that failed. */
export type BatchLoad<Item> = (items: Item[], signal: AbortSignal) => unknown

interface Member<Item> {
  readonly item: Item
  readonly flight: Flight | undefined
  readonly signal: AbortSignal
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export class Batch<Item> {
  readonly #load: BatchLoad<Item>
  readonly #queue: LoadQueue
  readonly #most: number
  /** Milliseconds to wait for more; 0: until all that is ready now has run. Undefined: until `dispatch` is called. */
  readonly #window: number | undefined
  #members: Member<Item>[] = []

  constructor(load: BatchLoad<Item>, queue: LoadQueue, most: number, window: number | undefined) {
    this.#load = load
    this.#queue = queue
    this.#most = most
    this.#window = window
  }

  /** The result for one item, of the next batch. Called as a loader, with its context. */
  add(item: Item, context: LoadContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#members.push({ item, flight: running.getStore(), signal: context.signal, resolve, reject })
      if (this.#members.length >= this.#most) this.dispatch()
      else if (this.#members.length === 1) this.#schedule()
    })
  }

  /** Runs what has been collected. */
  dispatch(): void {
    const members = this.#members
    if (members.length === 0) return
    this.#members = []
    void this.#run(members)
  }

  #schedule(): void {
    // What was collected may have been dispatched meanwhile; then this dispatches earlier what came later, which is harmless.
    const dispatch = () => this.dispatch()
    if (this.#window === undefined) return
    if (this.#window > 0) setTimeout(dispatch, this.#window)
    // After the promises that are settled now have had their say, callers that wait for the same thing come together.
    else void Promise.resolve().then(() => process.nextTick(dispatch))
  }

  async #run(members: readonly Member<Item>[]): Promise<void> {
    try {
      const items = members.map((member) => member.item)
      const signal = allAborted(members.map((member) => member.signal))
      const results = await this.#inTurn(members, () => this.#load(items, signal))
      if (!Array.isArray(results) || results.length !== members.length) throw notAligned(results, members.length)
      members.forEach((member, index) => {
        const result: unknown = results[index]
        if (result instanceof Error) member.reject(result)
        else member.resolve(result)
      })
    } catch (error) {
      for (const member of members) member.reject(error)
    }
  }

  /** As one load of the queue, unless another load waits for it. */
  async #inTurn(members: readonly Member<Item>[], work: () => unknown): Promise<unknown> {
    const leader = members[0]?.flight
    // Each of them ends when the batch does: a batch that asks for one of its own keys is found to wait for itself.
    for (const { flight } of members) if (flight !== leader && leader !== undefined) flight?.waitsFor.add(leader)
    const run = () => (leader === undefined ? work() : running.run(leader, work))
    if (members.some(({ flight }) => flight !== undefined && isAskedFor(flight))) return run()
    let start!: () => void
    const started = new Promise<void>((resolve) => {
      start = resolve
    })
    const turn = this.#queue.enter(start, false)
    await started
    try {
      return await run()
    } finally {
      this.#queue.leave(turn)
    }
  }
}

/** Whether another load waits for this one. */
function isAskedFor(flight: Flight): boolean {
  for (const waiter of flight.waiters) if (waiter.asker !== undefined) return true
  return false
}

/** Aborts when all of them have: somebody else may still wait for one item of the batch. */
function allAborted(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  let left = signals.length
  for (const signal of signals) {
    const aborted = () => {
      left--
      if (left === 0) controller.abort(signal.reason)
    }
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
  }
  return controller.signal
}

function notAligned(results: unknown, wanted: number): OstrakaError {
  const got = Array.isArray(results) ? `an array of ${results.length}` : show(results)
  return new OstrakaError(
    'OSTRAKA_ERR_INVALID_ARGUMENT',
    `A batch loader must return one result for each of the ${wanted} it was asked for, in their order; got ${got}`,
  )
}
