// Reads the bytes of format.ts back into a structured value. Runs no user code and touches only the bytes it is given, which must
// be private to this thread. Damaged bytes give OSTRAKA_ERR_CORRUPT_VALUE, never a wrong value's worth of memory.
import { OstrakaError } from '../errors.js'
import { errorNames, FORMAT_VERSION, Header, MAX_DEPTH, type RawBuffer, Tag, typedArrayNames } from './format.js'
import { readName, readShortAscii } from './text.js'

type ErrorClass = new (message?: string) => Error
type ErrorWithStackLimit = ErrorConstructor & { stackTraceLimit: number }

export class ValueReader {
  #buffer: RawBuffer = Buffer.alloc(0) as RawBuffer
  #view: DataView = new DataView(new ArrayBuffer(0))
  #viewed: ArrayBufferLike | undefined
  #position = 0
  #end = 0
  #freeze = false
  /** Objects in the order of their appearance, only where the record refers back to some. */
  #objects: object[] | undefined

  /** The value in `buffer[0, length)`; deep-frozen if wished and possible. */
  read(buffer: RawBuffer, length: number, freeze: boolean): unknown {
    // A view over the same memory is kept from call to call: making one costs as much as reading a small record.
    if (
      this.#viewed !== buffer.buffer ||
      this.#buffer.byteOffset !== buffer.byteOffset ||
      this.#view.byteLength < length
    ) {
      this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
      this.#viewed = buffer.buffer
    }
    this.#buffer = buffer
    this.#end = length
    this.#position = 1
    const header = buffer[0] as number
    if (length < 2 || (header & Header.version) !== FORMAT_VERSION) throw corrupt('its version is unknown')
    this.#objects = header & Header.references ? [] : undefined
    this.#freeze = freeze && (header & Header.unfreezable) === 0
    try {
      const value = this.#node(0)
      if (this.#position !== length) throw corrupt('its length is wrong')
      return value
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError) {
        throw corrupt('its bytes make no sense', error)
      }
      throw error
    } finally {
      this.#objects = undefined
    }
  }

  #node(depth: number): unknown {
    // Records end where they say; running past it is damage that lengths alone do not show.
    if (this.#position >= this.#end || depth > MAX_DEPTH) throw corrupt('it ends too early or nests too deep')
    const tag = this.#buffer[this.#position++] as number
    if (tag < 0x80) return tag
    if (tag < 0xa0) return this.#shortAscii(tag & 0x1f)
    if (tag < 0xb0) return this.#properties({}, tag & 0x0f, depth)
    if (tag < 0xc0) return this.#array(tag & 0x0f, depth)
    switch (tag) {
      case Tag.null:
        return null
      case Tag.true:
        return true
      case Tag.false:
        return false
      case Tag.int8:
        return this.#view.getInt8(this.#advance(1))
      case Tag.int16:
        return this.#view.getInt16(this.#advance(2), true)
      case Tag.int32:
        return this.#view.getInt32(this.#advance(4), true)
      case Tag.float64:
        return this.#view.getFloat64(this.#advance(8), true)
      case Tag.object:
        return this.#properties({}, this.#count(2), depth)
      case Tag.array:
        return this.#array(this.#uint32(), depth)
      case Tag.reference:
        return this.#reference()
      default:
        return this.#text(tag) ?? this.#other(tag, depth)
    }
  }

  #properties(target: Record<string, unknown>, count: number, depth: number): object {
    this.#objects?.push(target)
    for (let i = 0; i < count; i++) {
      const key = this.#name()
      const value = this.#node(depth + 1)
      // Plain assignment would set the prototype instead of a property of that name.
      if (key === '__proto__') {
        Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
      } else {
        target[key] = value
      }
    }
    return this.#freeze ? Object.freeze(target) : target
  }

  #array(length: number, depth: number): unknown[] {
    const target: unknown[] = []
    this.#objects?.push(target)
    let next = 0
    while (next < length) {
      if (this.#buffer[this.#position] === Tag.holes && this.#position < this.#end) {
        this.#position++
        next += this.#uint32()
        if (next > length) throw corrupt('its array is too long')
        target.length = next
      } else {
        target.push(this.#node(depth + 1))
        next++
      }
    }
    return this.#freeze ? (Object.freeze(target) as unknown[]) : target
  }

  #reference(): object {
    const object = this.#objects?.[this.#uint32()]
    if (object === undefined) throw corrupt('it refers to nothing')
    return object
  }

  /** A property name: any string, the short ones shared with other records. */
  #name(): string {
    const tag = this.#buffer[this.#position] as number
    if (tag >= 0x80 && tag < 0xa0) {
      const length = tag & 0x1f
      this.#position++
      return readName(this.#buffer, this.#advance(length), length)
    }
    return this.#string()
  }

  #string(): string {
    const tag = this.#buffer[this.#position++] as number
    const text = tag >= 0x80 && tag < 0xa0 ? this.#shortAscii(tag & 0x1f) : this.#text(tag)
    if (text === undefined) throw corrupt('it lacks a string')
    return text
  }

  #shortAscii(length: number): string {
    return readShortAscii(this.#buffer, this.#advance(length), length)
  }

  /** A longer string, or undefined when the tag is none of theirs. */
  #text(tag: number): string | undefined {
    switch (tag) {
      case Tag.ascii8:
      case Tag.utf8With8: {
        const length = this.#buffer[this.#advance(1)] as number
        return this.#slice(tag === Tag.ascii8, length)
      }
      case Tag.ascii32:
      case Tag.utf8With32:
        return this.#slice(tag === Tag.ascii32, this.#uint32())
      case Tag.utf16: {
        const length = this.#uint32()
        const start = this.#advance(length)
        return this.#buffer.ucs2Slice(start, start + length)
      }
      default:
        return undefined
    }
  }

  #slice(ascii: boolean, length: number): string {
    const start = this.#advance(length)
    return ascii ? this.#buffer.latin1Slice(start, start + length) : this.#buffer.utf8Slice(start, start + length)
  }

  #other(tag: number, depth: number): unknown {
    switch (tag) {
      case Tag.bareObject:
        return this.#properties(Object.create(null) as Record<string, unknown>, this.#count(2), depth)
      case Tag.bigint64:
        return this.#view.getBigInt64(this.#advance(8), true)
      case Tag.bigint:
        return this.#bigint()
      case Tag.date:
        return this.#kept(new Date(this.#view.getFloat64(this.#advance(8), true)))
      case Tag.map:
        return this.#map(depth)
      case Tag.set:
        return this.#set(depth)
      case Tag.regexp:
        return this.#regexp()
      case Tag.url:
        return this.#url()
      case Tag.error:
        return this.#error(depth)
      case Tag.typedArray:
        return this.#typedArray()
      case Tag.buffer:
        return this.#kept(Buffer.from(this.#bytes(this.#uint32())))
      case Tag.arrayBuffer:
        return this.#kept(copyOf(this.#bytes(this.#uint32())))
      default:
        throw corrupt(`it holds an unknown tag ${tag}`)
    }
  }

  #bigint(): bigint {
    const negative = this.#buffer[this.#advance(1)] === 1
    const magnitude = readMagnitude(this.#bytes(this.#uint32()))
    return negative ? -magnitude : magnitude
  }

  #map(depth: number): Map<unknown, unknown> {
    const count = this.#count(2)
    const target = this.#kept(new Map<unknown, unknown>())
    for (let i = 0; i < count; i++) {
      const key = this.#node(depth + 1)
      target.set(key, this.#node(depth + 1))
    }
    return target
  }

  #set(depth: number): Set<unknown> {
    const count = this.#count(1)
    const target = this.#kept(new Set<unknown>())
    for (let i = 0; i < count; i++) target.add(this.#node(depth + 1))
    return target
  }

  #regexp(): RegExp {
    const source = this.#string()
    const target = this.#kept(new RegExp(source, this.#string()))
    target.lastIndex = this.#view.getFloat64(this.#advance(8), true)
    return target
  }

  #url(): URL {
    return this.#kept(new URL(this.#string()))
  }

  #error(depth: number): Error {
    const name = errorNames[this.#buffer[this.#advance(1)] as number]
    if (name === undefined) throw corrupt('it holds an unknown class of error')
    const target = this.#kept(emptyError(name))
    const count = this.#buffer[this.#advance(1)] as number
    for (let i = 0; i < count; i++) {
      const key = this.#string()
      const enumerable = this.#buffer[this.#advance(1)] === 1
      const isUndefined = this.#buffer[this.#position] === Tag.undefined
      const value = isUndefined ? void this.#advance(1) : this.#node(depth + 1)
      Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
    }
    return target
  }

  #typedArray(): ArrayBufferView {
    const name = typedArrayNames[this.#buffer[this.#advance(1)] as number]
    const classes = globalThis as unknown as Record<string, (new (buffer: ArrayBuffer) => ArrayBufferView) | undefined>
    const TypedArray = name && classes[name]
    if (!TypedArray) throw corrupt(`this version of Node has no ${name ?? 'such type of array'}`)
    return this.#kept(new TypedArray(copyOf(this.#bytes(this.#uint32()))))
  }

  #kept<T extends object>(object: T): T {
    this.#objects?.push(object)
    return object
  }

  #bytes(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.#buffer.subarray(start, start + length)
  }

  /** A count of things that take at least `least` bytes each: a damaged one must not make a loop of billions. */
  #count(least: number): number {
    const count = this.#uint32()
    if (count * least > this.#end - this.#position) throw corrupt('its count is too large')
    return count
  }

  #uint32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  /** Steps over `length` bytes and returns where they begin. */
  #advance(length: number): number {
    const start = this.#position
    this.#position = start + length
    if (this.#position > this.#end) throw corrupt('it ends too early')
    return start
  }
}

function emptyError(name: (typeof errorNames)[number]): Error {
  const errors = Error as ErrorWithStackLimit
  const limit = errors.stackTraceLimit
  // The stack that matters is the stored one; capturing this one would cost microseconds.
  errors.stackTraceLimit = 0
  try {
    const target = name === 'AggregateError' ? new AggregateError([]) : new (globalThis[name] as ErrorClass)()
    for (const key of Object.getOwnPropertyNames(target)) Reflect.deleteProperty(target, key)
    return target
  } finally {
    errors.stackTraceLimit = limit
  }
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}

/** The non-negative bigint whose bytes these are, lowest first. */
export function readMagnitude(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

export function corrupt(why: string, cause?: unknown): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_CORRUPT_VALUE', `A stored value cannot be read: ${why}`, { cause })
}
