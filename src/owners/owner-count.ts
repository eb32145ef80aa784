// How many threads of its own a cache gets. May touch: nothing but what cores.ts reads.
import type { SharedSettings } from '../options/cache-options.js'
import { allowedCores } from './cores.js'

/** Below this a thread would take more memory than the cache it looks after. */
const LEAST_BYTES = 16 * 2 ** 20

/** How many, and why: a sentence for people. The same in every thread of the process. */
export function ownersFor(
  shared: Pick<SharedSettings, 'owners' | 'maxBytes' | 'clock' | 'seed'>,
  cores: () => number = allowedCores,
): { readonly count: number; readonly reason: string } {
  const { owners, maxBytes, clock, seed } = shared
  if (owners !== 'auto') return { count: owners, reason: 'asked for' }
  if (clock === 'manual') return { count: 0, reason: 'the clock is manual, so everything is to be repeatable' }
  if (seed !== undefined) return { count: 0, reason: 'a seed is given, so everything is to be repeatable' }
  if (maxBytes < LEAST_BYTES) return { count: 0, reason: 'the cache is smaller than a thread' }
  if (cores() < 2) return { count: 0, reason: 'the process may use one core' }
  return { count: 1, reason: 'memory alone needs one' }
}
