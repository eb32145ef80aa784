// Keys and values as servers have them: made anew for each request, each with memory of its own. May touch: nothing.
import { Buffer } from 'node:buffer'

export type ValueKind = 'string' | 'object' | 'bytes'

const filler = 'the quick brown fox jumps over the lazy dog, '
let scratch = Buffer.alloc(64 * 1024, filler, 'latin1')

/** A key as servers make them, some 20 characters, whose hash no string has kept yet. */
export function keyOf(key: number): string {
  return `user:${100_000_000 + key}`
}

function text(key: number, bytes: number): string {
  if (scratch.length < bytes) scratch = Buffer.alloc(bytes, filler, 'latin1')
  scratch.writeUInt32LE(0x61616161 + (key & 0x0f0f0f0f), 0)
  // Not a slice of a longer string, which would hold on to it: no memory could be measured by that.
  return scratch.toString('latin1', 0, bytes)
}

/** A value of about so many bytes for a key. Objects are records of ten fields. */
export function makeValue(kind: ValueKind, key: number, bytes: number): unknown {
  if (kind === 'string') return text(key, Math.max(4, bytes))
  if (kind === 'bytes') {
    const copy = Buffer.allocUnsafeSlow(Math.max(4, bytes)).fill(7)
    copy.writeUInt32LE(key >>> 0, 0)
    return copy
  }
  const each = Math.max(4, Math.floor((bytes - 8) / 10))
  return {
    id: key,
    field0: text(key, each),
    field1: text(key + 1, each),
    field2: text(key + 2, each),
    field3: text(key + 3, each),
    field4: text(key + 4, each),
    field5: text(key + 5, each),
    field6: text(key + 6, each),
    field7: text(key + 7, each),
    field8: text(key + 8, each),
    field9: text(key + 9, each),
  }
}

/** Whether a cache handed out what belongs to the key. Cheap, and it uses the result, so that no compiler may leave the work out. */
export function isRight(kind: ValueKind, key: number, bytes: number, value: unknown): boolean {
  if (kind === 'string') return (value as string).length === Math.max(4, bytes)
  if (kind === 'bytes') return (value as Uint8Array).length === Math.max(4, bytes)
  return (value as { id: unknown }).id === key
}
