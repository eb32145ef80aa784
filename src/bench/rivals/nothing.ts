// No cache: what a process costs by itself.
import type { BenchmarkCache } from '../runner/target.js'
import type { Rival } from './rival.js'

export const nothing: Rival = {
  name: 'an empty process',
  ours: false,
  module: import.meta.url,
  modes: ['copy'],
  bound: 'none',
  shared: true,
  asynchronous: false,
  follows: true,
  guessedOverhead: 0,
}

export function open(): BenchmarkCache {
  return { get: () => undefined, set: () => true, follow: () => {} }
}
