// Finds loads that wait for each other in a circle, which would end at the hard timeout only. Within this thread it follows the flights, at
// once. Over threads it follows what they say in the lease table, when somebody has waited for a while: what is read there may be changing,
// so a circle is believed when it is seen twice. Touches the lease table, reading.
//
// A line names one other lease only: a circle over threads may go unnoticed where one of its loaders waits for several keys at once. Then
// the hard timeout ends it.
import type { Engine } from '../engine/engine.js'
import { leaseWord, lineOf } from '../engine/lease-token.js'
import { OstrakaError } from '../errors.js'
import type { LeaseAdvice } from './advice.js'
import type { Flight } from './flight.js'

/** No circle of sense is longer; what is read may be changing meanwhile. */
const FARTHEST = 64

/** Whether `flight` waits for `asker`, through any number of loads of this thread. */
export function waitsInThread(flight: Flight, asker: Flight): boolean {
  const seen = new Set<Flight>([flight])
  for (const next of seen) {
    if (next === asker) return true
    for (const further of next.waitsFor) if (further.state !== 'over') seen.add(further)
  }
  return false
}

/** The leases by which `token` waits for `asker`, as text to be compared with a later look; undefined when it does not. */
export function circleOverThreads(
  engine: Engine,
  advice: LeaseAdvice,
  token: number,
  asker: number,
): string | undefined {
  const words = engine.leaseWords
  const end = lineOf(asker)
  const met: number[] = []
  let line = lineOf(token)
  for (let step = 0; step < FARTHEST; step++) {
    // Its sequence too: a line that serves another lease by the next look is another circle.
    met.push(line, Atomics.load(words, leaseWord(line)))
    if (line === end) return met.join(' ')
    line = advice.next(line)
    if (line < 0) return undefined
  }
  return undefined
}

export function cycleError(key: string): OstrakaError {
  const message = `The loader of '${key}' waits for itself, at once or through other loaders; load what both need under a key of its own`
  return new OstrakaError('OSTRAKA_ERR_LOAD_CYCLE', message)
}
