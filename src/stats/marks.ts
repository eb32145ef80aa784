// Named marks: what a cache had counted at some moment, so that what came since can be told without ever resetting a counter. A handle keeps its own;
// the counts are those of all threads. Touches the engine's counters, reading.
import type { Engine } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import { monotonicMs } from './clock.js'
import { countsSince, type LatencySummary, summaryOf, type TimedKind, timedKinds } from './histogram.js'
import type { Observed } from './observed.js'
import { shareOf, type TotalName, type Totals, totalsSince } from './totals.js'

/** What came since a mark. */
export interface StatsSince {
  readonly mark: string
  readonly seconds: number
  readonly totals: Totals
  /** The same, a second. */
  readonly perSecond: Readonly<Record<TotalName, number>>
  readonly hitRatio: number
  readonly latency: Readonly<Record<TimedKind, LatencySummary | undefined>>
}

interface Mark {
  readonly at: number
  readonly totals: Totals
  readonly latency: readonly (Float64Array | undefined)[]
}

/** A handle forgets its oldest mark beyond so many; each takes about 90 KB. */
const MOST_MARKS = 32

export class Marks {
  readonly #marks = new Map<string, Mark>()

  set(name: string, engine: Engine, observed: Observed): void {
    if (typeof name !== 'string' || name === '') {
      throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', `mark takes a non-empty string, got ${typeof name}`)
    }
    this.#marks.delete(name)
    if (this.#marks.size >= MOST_MARKS) this.#marks.delete(this.#marks.keys().next().value as string)
    const latency = timedKinds.map((_, kind) => observed.histograms.read(kind))
    this.#marks.set(name, { at: monotonicMs(), totals: observed.totals(engine), latency })
  }

  since(name: string, engine: Engine, observed: Observed): StatsSince {
    const mark = this.#marks.get(name)
    if (mark === undefined) {
      throw new OstrakaError(
        'OSTRAKA_ERR_INVALID_ARGUMENT',
        `There is no mark '${name}' in this handle; call mark first`,
      )
    }
    const seconds = Math.max((monotonicMs() - mark.at) / 1000, 1e-9)
    const totals = totalsSince(observed.totals(engine), mark.totals)
    const latency = timedKinds.map((kind, index) => {
      const counts = observed.histograms.read(index)
      return [kind, summaryOf(counts && countsSince(counts, mark.latency[index]))]
    })
    const perSecond = Object.entries(totals).map(([total, value]: [string, number]) => [total, value / seconds])
    return {
      mark: name,
      seconds,
      totals,
      perSecond: Object.fromEntries(perSecond) as StatsSince['perSecond'],
      hitRatio: shareOf(totals.hits, totals.hits + totals.misses),
      latency: Object.fromEntries(latency) as StatsSince['latency'],
    }
  }
}
