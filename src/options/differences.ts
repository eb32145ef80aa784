// Compares the options of a thread that attaches with those of the thread that created the cache. Touches nothing.
import { OstrakaError, type OstrakaFault } from '../errors.js'
import type { CacheSettings, SharedSettings } from './cache-options.js'

/**
 * Throws OSTRAKA_ERR_OPTIONS_DIFFER listing each shared option that `mine` names with another meaning than `existing` has. What
 * `mine` does not name is taken as it is there; `engine` and `near` are each thread's own and are not compared.
 */
export function assertSameOptions(mine: CacheSettings, existing: SharedSettings): void {
  const faults = optionDifferences(Object.fromEntries([...mine.given].map((key) => [key, mine.shared[key]])), existing)
  if (faults.length === 0) return
  const list = faults.map((fault) => `  ${fault.path}: ${fault.message}`).join('\n')
  const message = `The cache '${mine.name}' exists with other options; use the same ones, none, or another name:\n${list}`
  throw new OstrakaError('OSTRAKA_ERR_OPTIONS_DIFFER', message, { faults })
}

/** Each option of `given` that has another value in `existing`. */
export function optionDifferences<T extends object>(given: Partial<T>, existing: T): OstrakaFault[] {
  const faults: OstrakaFault[] = []
  for (const path of Object.keys(given)) {
    const mine = given[path as keyof T]
    const theirs = existing[path as keyof T]
    if (mine === theirs) continue
    faults.push({ path, message: `here ${shown(path, mine)}, there ${shown(path, theirs)}` })
  }
  return faults
}

function shown(path: string, value: unknown): string {
  // A seed is what keeps keys made to collide out; it does not belong into a log.
  if (path === 'seed') return value === undefined ? 'a random one' : 'a fixed one'
  if (value === -1 || (path === 'maxEntries' && value === 0)) return 'none'
  return typeof value === 'string' ? `'${value}'` : String(value)
}
