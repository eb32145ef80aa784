// A plain Map: no bound, no expiry, what it costs to keep anything at all. Copies are JSON text, as from a cache that serializes.
import type { BenchmarkCache } from '../runner/target.js'
import type { Rival, RivalOptions } from './rival.js'

export const map: Rival = {
  name: 'Map',
  ours: false,
  module: import.meta.url,
  modes: ['reference', 'copy'],
  bound: 'none',
  shared: false,
  asynchronous: false,
  follows: false,
  guessedOverhead: 60,
}

export function open(options: unknown): BenchmarkCache {
  const { mode } = options as RivalOptions
  const held = new Map<string, unknown>()
  const rest = { delete: (key: string) => held.delete(key), size: () => held.size }
  if (mode === 'reference') {
    return { get: (key) => held.get(key), set: (key, value) => held.set(key, value), ...rest }
  }
  return {
    get: (key) => {
      const text = held.get(key)
      return text === undefined ? undefined : JSON.parse(text as string)
    },
    set: (key, value) => held.set(key, JSON.stringify(value)),
    ...rest,
  }
}
