// What the suites of the JS engine share: a cache over fresh regions, and the calls that most tests make. Touches only what it creates.
import { createRegions, type RegionOptions } from '../../src/engine/create.js'
import { type Engine, Kind, Mode } from '../../src/engine/engine.js'
import { attachJs } from '../../src/engine/js/engine.js'

export const MIB = 1024 * 1024

export function open(options: Partial<RegionOptions> = {}): Engine {
  return attachJs(createRegions({ maxBytes: MIB, manualClock: true, ...options }))
}

export const set = (engine: Engine, key: string, value: string, ttl = -1, idle = -1): number =>
  engine.writeString(key, value, Mode.set, ttl, idle)

export const add = (engine: Engine, key: string, value: string, ttl = -1): number =>
  engine.writeString(key, value, Mode.add, ttl, -1)

export const setBytes = (engine: Engine, key: string, bytes: Uint8Array): number =>
  engine.writeBytes(key, bytes, Kind.bytes, Mode.set, -1, -1)

/** The bytes of an entry, whatever their length; undefined when absent. */
export function bytesOf(engine: Engine, key: string): Uint8Array | undefined {
  const length = engine.read(key, true)
  if (typeof length !== 'number') return undefined
  if (length <= engine.scratch.length) return engine.scratch.slice(0, length)
  const bytes = new Uint8Array(length)
  return engine.readInto(key, bytes) === length ? bytes : undefined
}

export function allKeys(engine: Engine, prefix = ''): string[] {
  const keys: string[] = []
  for (let cursor = engine.scan(0, 10, prefix, keys); cursor !== 0; ) cursor = engine.scan(cursor, 10, prefix, keys)
  return keys
}

/** Repeatable random numbers (mulberry32), from 0 to below 1. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 17 + (i >> 8)) & 255
  return bytes
}
