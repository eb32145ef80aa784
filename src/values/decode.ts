// Turns a record's kind and bytes back into the value. The bytes must be private to this thread: they are read after the engine
// has let go of the shared memory. Runs no user code but that of a codec module.
import { deserialize } from 'node:v8'
import { Kind } from '../engine/engine.js'
import type { CodecModule } from './codec-module.js'
import { Header, type RawBuffer } from './format.js'
import { freezeIfPlain } from './freeze.js'
import { msgpack } from './msgpack.js'
import { corrupt, readMagnitude, ValueReader } from './reader.js'

const reader = new ValueReader()

/**
 * The value in `buffer[0, length)`, never sharing memory with it. `freeze` freezes plain objects and arrays, deeply, unless the
 * value holds anything that cannot be frozen; then it comes as a fresh copy. `module` decodes what it encoded.
 */
export function decodeValue(
  kind: number,
  buffer: RawBuffer,
  length: number,
  freeze: boolean,
  module?: CodecModule,
): unknown {
  switch (kind) {
    case Kind.own:
      return reader.read(buffer, length, freeze)
    case Kind.number:
      return buffer.readDoubleLE(0)
    case Kind.true:
      return true
    case Kind.false:
      return false
    case Kind.null:
      return null
    case Kind.bytes:
      return Buffer.from(buffer.subarray(0, length))
    case Kind.bigint:
      return decodeBigint(buffer, length)
    case Kind.json:
      return frozen(JSON.parse(buffer.utf8Slice(0, length)) as unknown, freeze)
    case Kind.v8:
      return frozen(deserialize(Uint8Array.prototype.slice.call(buffer, 0, length)) as unknown, freeze)
    case Kind.msgpack:
      return frozen(msgpack().unpack(Uint8Array.prototype.slice.call(buffer, 0, length)), freeze)
    case Kind.module:
      if (module === undefined) throw corrupt('it was written by a codec module that this view does not have')
      return frozen(module.decode(Uint8Array.prototype.slice.call(buffer, 0, length)), freeze)
    default:
      return decodeText(kind, buffer, length)
  }
}

/** Whether a value of this kind, decoded once, may be given to several callers if it is frozen (or cannot be changed anyway). */
export function isFreezable(kind: number, buffer: RawBuffer, value: unknown): boolean {
  if (kind === Kind.bytes) return false
  if (kind === Kind.own) return ((buffer[0] as number) & Header.unfreezable) === 0
  return (kind !== Kind.v8 && kind !== Kind.msgpack && kind !== Kind.module) || Object.isFrozen(value)
}

// Engines hand out strings as strings; batches may hand out their bytes.
function decodeText(kind: number, buffer: RawBuffer, length: number): string {
  if (kind === Kind.ascii) return buffer.latin1Slice(0, length)
  if (kind === Kind.utf8) return buffer.utf8Slice(0, length)
  if (kind === Kind.utf16) return buffer.ucs2Slice(0, length)
  throw corrupt(`its kind ${kind} is unknown to this version`)
}

function decodeBigint(buffer: RawBuffer, length: number): bigint {
  const magnitude = readMagnitude(buffer.subarray(1, length))
  return buffer[0] === 1 ? -magnitude : magnitude
}

function frozen(value: unknown, freeze: boolean): unknown {
  if (freeze) freezeIfPlain(value)
  return value
}
