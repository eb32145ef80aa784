// When requests are due under open arrivals: at a constant rate or at random around it, after a rise from nothing.
// May touch: nothing outside its arguments.
import { randomFrom } from '../../traces/generate.js'

export interface OpenArrivals {
  /** Requests a second, over all threads. */
  readonly perSecond: number
  /** Equal distances, or those of independent callers (exponential). Default 'constant'. */
  readonly process?: 'constant' | 'poisson'
}

/**
 * Calls give the milliseconds, from the beginning, at which the next request is due. During the first `ramp` milliseconds the rate rises
 * from nothing in a straight line.
 */
export function dueTimes({ perSecond, process = 'constant' }: OpenArrivals, ramp: number, seed: number): () => number {
  const perMillisecond = perSecond / 1000
  const random = randomFrom(seed)
  // Of a process with one arrival a unit, bent by the rate: up to t in the ramp there are rate · t² / (2 ramp) of them.
  const duringRamp = (perMillisecond * ramp) / 2
  let arrived = 0
  return () => {
    const due =
      arrived < duringRamp
        ? Math.sqrt((2 * ramp * arrived) / perMillisecond)
        : ramp + (arrived - duringRamp) / perMillisecond
    arrived += process === 'constant' ? 1 : -Math.log(1 - random())
    return due
  }
}
