// Turns a value into a record's kind and bytes. Strings never come here: they go to the engine as they are.
// Touches this thread's writers and buffers; getters and proxies inside the value may run user code, which may come back here.

import { types } from 'node:util'
import { serialize } from 'node:v8'
import { Kind } from '../engine/engine.js'
import { MAX_VALUE_BYTES } from '../engine/layout.js'
import { OstrakaError } from '../errors.js'
import type { Codec } from '../options/codec.js'
import { type CodecModule, codecModule } from './codec-module.js'
import { Feature } from './format.js'
import { msgpack } from './msgpack.js'
import { ValueReader } from './reader.js'
import { magnitudeOf, ValueTooLarge, ValueWriter } from './writer.js'

/** A value as bytes. Good until the next call of `encodeValue` in this thread. */
export interface Encoded {
  /** As in `Kind`; −1 when the value is larger than any cache takes. */
  kind: number
  bytes: Uint8Array
}

const nothing = new Uint8Array(0)
const number = new Uint8Array(8)
const numberView = new DataView(number.buffer)
const encoded: Encoded = { kind: 0, bytes: nothing }

// A getter inside the value may set another value, whose writing must not disturb this one: each nesting level has its own writer.
const writers: ValueWriter[] = []
let level = 0

/**
 * Encodes any value but a string. Throws OSTRAKA_ERR_INVALID_VALUE naming the path, before anything is touched. About 0.3 µs for a
 * small object, 10 ns for numbers, booleans and null.
 */
export function encodeValue(value: unknown, codec: Codec): Encoded {
  switch (typeof value) {
    case 'number':
      numberView.setFloat64(0, value, true)
      return result(Kind.number, number)
    case 'boolean':
      return result(value ? Kind.true : Kind.false, nothing)
    case 'bigint':
      return result(Kind.bigint, bigintBytes(value))
    case 'object':
      if (value === null) return result(Kind.null, nothing)
      return isOrdinaryBuffer(value) ? result(Kind.bytes, value) : encodeObject(value, codec)
    default:
      return encodeObject(value, codec)
  }
}

function result(kind: number, bytes: Uint8Array): Encoded {
  encoded.kind = kind
  encoded.bytes = bytes
  return encoded
}

function encodeObject(value: unknown, codec: Codec): Encoded {
  const module = typeof value === 'object' ? codecModule(codec) : undefined
  if (module !== undefined) return encodeByModule(value, module)
  // What no codec is asked for is refused as ever.
  return encodeByWalk(value, codec === 'json' || codec === 'v8' || codec === 'msgpack' ? codec : 'auto')
}

function encodeByModule(value: unknown, module: CodecModule): Encoded {
  let bytes: unknown
  try {
    bytes = module.encode(value)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new OstrakaError('OSTRAKA_ERR_INVALID_VALUE', `The codec module refused the value: ${why}`, { cause })
  }
  if (!types.isUint8Array(bytes)) {
    throw new OstrakaError('OSTRAKA_ERR_INVALID_VALUE', "The codec module's encode must return a Uint8Array")
  }
  return bytes.length > MAX_VALUE_BYTES ? result(-1, nothing) : result(Kind.module, bytes)
}

/** Those that the walk checks for. */
type Walked = 'auto' | Other
/** Those that write what the walk has checked. */
type Other = 'json' | 'v8' | 'msgpack'

function encodeByWalk(value: unknown, codec: Walked): Encoded {
  let writer = writers[level]
  if (writer === undefined) {
    writer = new ValueWriter()
    writers[level] = writer
  }
  level++
  try {
    writer.write(value, refusedBy(codec), codec)
    if (codec !== 'auto') return encodeOtherwise(writer, codec)
    return result(Kind.own, new Uint8Array(writer.buffer.buffer, 0, writer.position))
  } catch (error) {
    if (error instanceof ValueTooLarge) return result(-1, nothing)
    throw error
  } finally {
    level--
    writer.release()
  }
}

function refusedBy(codec: Walked): number {
  if (codec === 'json') return Feature.beyondJson
  if (codec === 'msgpack') return Feature.beyondMsgpack
  return codec === 'v8' ? Feature.beyondV8 : 0
}

// What has been written is read back first, so that the other codec sees exactly what was checked, with getters already read.
function encodeOtherwise(writer: ValueWriter, codec: Other): Encoded {
  const checked = new ValueReader().read(writer.buffer, writer.position, false)
  if (codec === 'json') return result(Kind.json, Buffer.from(JSON.stringify(checked)))
  if (codec === 'msgpack') return result(Kind.msgpack, msgpack().pack(checked))
  return result(Kind.v8, serialize(checked))
}

/** Whether it is a Buffer without anything unusual, whose bytes are all there is to it. */
function isOrdinaryBuffer(value: object): value is Buffer {
  if (Object.getPrototypeOf(value) !== Buffer.prototype || !types.isUint8Array(value)) return false
  if (types.isSharedArrayBuffer(value.buffer) || (value.buffer as { resizable?: boolean }).resizable === true)
    return false
  // An empty one may lie in a buffer that was transferred away; short ones may have been given properties.
  return value.length > 64 || (value.length > 0 && Object.getOwnPropertyNames(value).length === value.length)
}

/** A sign byte, then the magnitude, lowest byte first. */
function bigintBytes(value: bigint): Uint8Array {
  const magnitude = value === 0n ? nothing : magnitudeOf(value)
  const bytes = new Uint8Array(1 + magnitude.length)
  bytes[0] = value < 0n ? 1 : 0
  bytes.set(magnitude, 1)
  return bytes
}
