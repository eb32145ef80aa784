// Times functions against each other, down to nanoseconds: in batches, in turn, each in a loop of its own, results kept.
// May touch: the functions it is given.
import { OstrakaError } from '../../errors.js'
import { type PairedRatio, pairedRatio } from '../statistics/difference.js'
import { type Summary, summarize } from '../statistics/samples.js'
import { systemClock } from './clock.js'
import { kept } from './requester.js'
import { type Effort, type Ended, measureInTurn, type WarmUp, warmUp } from './rounds.js'

export interface TimedFunction {
  readonly name: string
  /** Called with a number that counts up. What it returns is kept, so that no compiler may leave the work out; a promise is waited for. */
  readonly run: (at: number) => unknown
}

export interface FunctionSettings {
  /** The first is the one that the others are compared with. */
  readonly functions: readonly TimedFunction[]
  /** Milliseconds of one batch, and of warming up each at most. Default 10 and 500. */
  readonly batch?: number
  readonly warmUp?: number
  /** Default 0.02, 3 s, 7 and 200. */
  readonly precision?: number
  readonly budget?: number
  readonly leastRounds?: number
  readonly mostRounds?: number
  readonly onRound?: (round: number, error: number) => void
}

export interface FunctionResult {
  readonly name: string
  /** Nanoseconds a call, of the rounds. */
  readonly nanoseconds: Summary
  readonly samples: readonly number[]
  /** Calls in one batch. */
  readonly calls: number
  readonly againstFirst: PairedRatio | undefined
  readonly warmUp: WarmUp
}

export interface FunctionsResult {
  readonly functions: readonly FunctionResult[]
  /** Nanoseconds of a call of an empty function in the same loop: part of every figure. */
  readonly overhead: number
  readonly ended: Ended
  readonly error: number
  readonly seconds: number
}

type Loop = (calls: number, from: number) => number | Promise<number>

let loops = 0

/**
 * The loop is compiled for each function anew: one loop for all would soon call through a cache of call sites that knows too many, and the
 * first function would be timed better than the last.
 */
function loopOf(run: TimedFunction['run'], asynchronous: boolean): Loop {
  const make = new Function(
    'run',
    'kept',
    'now',
    `return ${asynchronous ? 'async ' : ''}function loop${loops++}(calls, from) {
      const begun = now()
      for (let at = from, end = from + calls; at < end; at++) kept[at & 63] = ${asynchronous ? 'await ' : ''}run(at)
      return (now() - begun) * 1e6 / calls
    }`,
  ) as (run: unknown, kept: unknown[], now: () => number) => Loop
  return make(run, kept, () => performance.now())
}

interface Timed {
  readonly name: string
  readonly loop: Loop
  calls: number
  next: number
  warmUp: WarmUp
}

async function batch(timed: Timed): Promise<number> {
  const from = timed.next
  timed.next += timed.calls
  // A clock cannot tell less than nothing from nothing, and ratios need more.
  return Math.max(await timed.loop(timed.calls, from), 1e-3)
}

/** Errors: OSTRAKA_ERR_INVALID_OPTION without functions; what a function throws. */
export async function compareFunctions(settings: FunctionSettings): Promise<FunctionsResult> {
  const { functions, batch: milliseconds = 10 } = settings
  if (functions.length === 0) throw new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', 'functions: there is none to time')
  const all: Timed[] = []
  for (const { name, run } of [...functions, { name: 'nothing', run: (at: number) => at }]) {
    const first = run(0)
    const asynchronous = typeof (first as { then?: unknown } | undefined)?.then === 'function'
    await first
    const timed: Timed = {
      name,
      loop: loopOf(run, asynchronous),
      calls: 1,
      next: 1,
      warmUp: { rounds: 0, steady: false },
    }
    // As many calls as fill a batch.
    for (;;) {
      const taken = ((await batch(timed)) * timed.calls) / 1e6
      if (taken >= milliseconds / 2 || timed.calls > 1e9) break
      timed.calls = Math.ceil(timed.calls * Math.min(10, Math.max(2, milliseconds / Math.max(taken, 1e-6))))
    }
    timed.calls = Math.max(1, Math.round(timed.calls))
    timed.warmUp = await warmUp(() => batch(timed), settings.warmUp ?? 500, systemClock)
    all.push(timed)
  }
  const effort: Effort = {
    precision: settings.precision ?? 0.02,
    budget: settings.budget ?? 3000,
    leastRounds: settings.leastRounds ?? 7,
    mostRounds: settings.mostRounds ?? 200,
  }
  const empty = all.pop()!
  let overhead = Number.POSITIVE_INFINITY
  const rounds = await measureInTurn(
    all.length,
    (at) => batch(all[at]!),
    effort,
    systemClock,
    (round, error) => settings.onRound?.(round, error),
  )
  for (let round = 0; round < 5; round++) overhead = Math.min(overhead, await batch(empty))
  return {
    functions: all.map(({ name, calls, warmUp }, at) => ({
      name,
      nanoseconds: summarize(rounds.samples[at]!),
      samples: rounds.samples[at]!,
      calls,
      againstFirst: at === 0 ? undefined : pairedRatio(rounds.samples[at]!, rounds.samples[0]!),
      warmUp,
    })),
    overhead,
    ended: rounds.ended,
    error: rounds.error,
    seconds: rounds.seconds,
  }
}
