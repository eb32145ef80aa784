// Measures several things in turn, round by round, until what is said about them is sure enough or the budget is spent.
// May touch: the clock it is given.
import { pairedRatio } from '../statistics/difference.js'
import { summarize } from '../statistics/samples.js'
import { isSteady, steadyWindow } from '../statistics/trend.js'
import type { Clock } from './clock.js'

export interface Effort {
  /** The wanted half-width of 95 % confidence intervals, as a share: of each ratio to the first, or of the mean of a single one. */
  readonly precision: number
  /** Milliseconds that measuring may take, warm-up not counted. */
  readonly budget: number
  readonly leastRounds: number
  readonly mostRounds: number
}

/** Why measuring ended: sure enough, or what was spent before. */
export type Ended = 'precise' | 'budget' | 'rounds'

export interface Rounds {
  /** One list for each subject; entries of the same index were measured one after the other. */
  readonly samples: readonly (readonly number[])[]
  readonly ended: Ended
  /** The largest half-width that was left, as a share. */
  readonly error: number
  readonly seconds: number
}

/**
 * Calls `measure` for each of `count` subjects in each round, beginning with another one each time, so that what wakes or tires a machine
 * in the course of a round meets all alike. A measured value must be above 0.
 */
export async function measureInTurn(
  count: number,
  measure: (subject: number, round: number) => number | Promise<number>,
  { precision, budget, leastRounds, mostRounds }: Effort,
  clock: Clock,
  onRound: (round: number, error: number) => void = () => {},
): Promise<Rounds> {
  const samples: number[][] = Array.from({ length: count }, () => [])
  const begun = clock.now()
  let error = Number.POSITIVE_INFINITY
  let ended: Ended = 'rounds'
  for (let round = 0; round < mostRounds; round++) {
    for (let turn = 0; turn < count; turn++) {
      const subject = (turn + round) % count
      samples[subject]!.push(await measure(subject, round))
    }
    error = largestError(samples)
    onRound(round, error)
    if (round + 1 < leastRounds) continue
    if (error <= precision) {
      ended = 'precise'
      break
    }
    if (clock.now() - begun >= budget) {
      ended = 'budget'
      break
    }
  }
  return { samples, ended, error, seconds: (clock.now() - begun) / 1000 }
}

function largestError(samples: readonly (readonly number[])[]): number {
  const [first, ...others] = samples
  if (first === undefined) return 0
  if (others.length === 0) return summarize(first).relativeError
  return Math.max(
    ...others.map((other) => {
      const { ratio, low, high } = pairedRatio(other, first)
      return (high - low) / 2 / ratio
    }),
  )
}

export interface WarmUp {
  readonly rounds: number
  /** False: it still drifted when its time was over. */
  readonly steady: boolean
}

/** Repeats `measure` until its values stop drifting, or so many milliseconds have passed. */
export async function warmUp(measure: () => number | Promise<number>, most: number, clock: Clock): Promise<WarmUp> {
  const values: number[] = []
  const end = clock.now() + most
  while (clock.now() < end || values.length === 0) {
    values.push(await measure())
    if (isSteady(values)) return { rounds: values.length, steady: true }
    // A drift that never ends keeps only what is judged.
    if (values.length > steadyWindow * 64) values.splice(0, values.length - steadyWindow)
  }
  return { rounds: values.length, steady: false }
}
