// Walks over all keys of a cache in steps. Touches the engine it is given, and holds nothing of it between two steps, so that writers
// go on meanwhile.
import type { Engine } from '../engine/engine.js'

/** Entries looked at in one step: some ten microseconds, short enough not to be felt in a server's loop. */
const STEP = 256

/** `all`: also keys whose value is stale, or is being loaded. */
export function* scanKeys(engine: () => Engine, prefix: string, all = false): IterableIterator<string> {
  let cursor = 0
  do {
    const keys: string[] = []
    cursor = engine().scan(cursor, STEP, prefix, keys, all)
    yield* keys
  } while (cursor !== 0)
}
