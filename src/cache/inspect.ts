// What `cache.inspect(key)` tells about one entry. Reads the engine, without counting as a use.
import { Buffer } from 'node:buffer'
import { type Engine, Kind, Meta } from '../engine/engine.js'

/** One entry, as it lies in shared memory. */
export interface EntryDescription {
  readonly key: string
  readonly type: 'string' | 'number' | 'boolean' | 'null' | 'bigint' | 'buffer' | 'structured'
  /** Bytes of the key in memory, its namespace included. */
  readonly keyBytes: number
  /** Bytes of the value in memory, as encoded. */
  readonly valueBytes: number
  /** Milliseconds, Infinity when it does not expire. */
  readonly expiresIn: number
}

/** `stored` is the key in memory, `key` the one that users know. */
export function describeEntry(engine: Engine, stored: string, key: string): EntryDescription | undefined {
  const found = engine.read(stored, false)
  if (found === undefined) return undefined
  const kind = engine.meta[Meta.kind] as number
  const valueBytes = engine.meta[Meta.length] as number
  const expiresIn = engine.expiresIn(stored)
  // It may have gone between the two looks.
  if (expiresIn < 0) return undefined
  const type = typeof found === 'string' ? 'string' : typeOf(kind)
  return { key, type, keyBytes: Buffer.byteLength(stored), valueBytes, expiresIn }
}

function typeOf(kind: number): EntryDescription['type'] {
  switch (kind) {
    case Kind.bytes:
      return 'buffer'
    case Kind.number:
      return 'number'
    case Kind.true:
    case Kind.false:
      return 'boolean'
    case Kind.null:
      return 'null'
    case Kind.bigint:
      return 'bigint'
    default:
      return 'structured'
  }
}
