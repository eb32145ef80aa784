// Compares the options of a thread that attaches with those of the thread that created the cache. Touches nothing.
import { OstrakaError, type OstrakaFault } from '../errors.js'
import type { CacheSettings, SharedSettings } from './cache-options.js'

/**
 * Throws OSTRAKA_ERR_OPTIONS_DIFFER listing each shared option that `mine` names with another meaning than `existing` has. What
 * `mine` does not name is taken as it is there; `engine` and `near` are each thread's own and are not compared.
 */
export function assertSameOptions(mine: CacheSettings, existing: SharedSettings): void {
  const faults: OstrakaFault[] = []
  for (const key of mine.given) {
    // A seed that the creator drew at random is not one that somebody asked for.
    if (mine.shared[key] === existing[key]) continue
    faults.push({ path: key, message: `here ${shown(key, mine.shared)}, the cache has ${shown(key, existing)}` })
  }
  if (faults.length === 0) return
  const list = faults.map((fault) => `  ${fault.path}: ${fault.message}`).join('\n')
  const message = `The cache '${mine.name}' exists with other options; use the same ones, none, or another name:\n${list}`
  throw new OstrakaError('OSTRAKA_ERR_OPTIONS_DIFFER', message, { faults })
}

function shown(key: keyof SharedSettings, settings: SharedSettings): string {
  const value = settings[key]
  // The seed is what keeps keys made to collide out; it does not belong into a log.
  if (key === 'seed') return value === undefined ? 'a random one' : 'a fixed one'
  if (value === -1 || (key === 'maxEntries' && value === 0)) return 'none'
  return typeof value === 'string' ? `'${value}'` : String(value)
}
