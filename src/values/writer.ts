// Writes a structured value as the bytes of format.ts, in one pass that checks and writes at once: every property is read exactly
// once, so a getter or a proxy cannot show one thing to the check and another to the writer. Touches its own buffer and the value
// it reads; getters in the value may run user code, which may use another writer (see encode.ts).
import { OstrakaError } from '../errors.js'
import { Feature, FORMAT_VERSION, Header, MAX_DEPTH, type RawBuffer, Tag } from './format.js'
import { describePath, type Step } from './path.js'
import { isBuiltInPrototype, isObjectPrototype } from './prototypes.js'
import { textBound, writeText } from './text.js'
import { writeOther } from './writer-other.js'

const FIRST_BYTES = 4096
/** A buffer that grew beyond this for one large value is given back after it. */
const KEPT_BYTES = 256 * 1024
/** Up to so many objects, looking through a list for a repeated one is cheaper than a Map. */
const LISTED = 12

/** No cache takes values beyond 64 MiB; so much may be written before giving up. */
const MOST_BYTES = 128 * 1024 * 1024

/** The value is larger than any cache takes: not an error of the caller's, `set` returns false. */
export class ValueTooLarge extends Error {}

export class ValueWriter {
  buffer: RawBuffer = allocate(FIRST_BYTES)
  view = viewOf(this.buffer)
  position = 0
  /** Bits of `Feature`. */
  features = 0
  /** Features that the chosen codec would lose; meeting one is a fault. */
  #refused = 0
  #refusedBy = ''
  /** Text is to be what UTF-8 can say. */
  #wellFormed = false
  readonly #path: Step[] = []
  #holdsMembers = false
  #seen: object[] = []
  #seenSet: Set<object> | undefined
  #seenNumbers: Map<object, number> | undefined

  /** Writes `value`, whose bytes are then `buffer` up to `position`. Throws OSTRAKA_ERR_INVALID_VALUE naming the path. */
  write(value: unknown, refused: number, refusedBy: string): void {
    this.features = 0
    this.#refused = refused
    this.#refusedBy = refusedBy
    this.#wellFormed = (refused & Feature.beyondMsgpack) !== 0
    this.position = 1
    this.writeNode(value, 0)
    this.buffer[0] =
      FORMAT_VERSION |
      (this.features & Feature.references ? Header.references : 0) |
      (this.features & Feature.unfreezable ? Header.unfreezable : 0)
  }

  /** Forgets the value, so that nothing of it is kept alive, and gives a large buffer back; the bytes stay with whoever has a view of them. */
  release(): void {
    // Names may stay; steps into maps and sets hold members of the value.
    if (this.#holdsMembers) this.#path.length = 0
    this.#holdsMembers = false
    if (this.#seen.length > 0) this.#seen = []
    this.#seenSet = undefined
    this.#seenNumbers = undefined
    if (this.buffer.length > KEPT_BYTES) this.#use(allocate(FIRST_BYTES))
  }

  writeNode(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        if (this.#wellFormed) this.#checkText(value, depth)
        this.writeString(value)
        break
      case 'number':
        this.#writeNumber(value, depth)
        break
      case 'boolean':
        this.writeByte(value ? Tag.true : Tag.false)
        break
      case 'object':
        if (value === null) this.writeByte(Tag.null)
        else this.#writeObject(value, depth)
        break
      case 'bigint':
        this.mark(Feature.beyondJson | beyond64Bits(value), depth, 'a bigint')
        this.#writeBigint(value)
        break
      case 'undefined':
        this.fail(depth, 'it is undefined; leave it out, or use null')
        break
      default:
        this.fail(depth, `it is a ${typeof value}, which cannot be stored`)
    }
  }

  /** Names the step to what is written next, one level below `depth`. */
  step(depth: number, step: Step): void {
    this.#holdsMembers ||= typeof step === 'object'
    this.#path[depth] = step
  }

  /** Notes what the value holds, and refuses it where the codec would lose it. */
  mark(feature: number, depth: number, what: string): void {
    this.features |= feature
    if (feature & this.#refused) this.fail(depth, `it is ${what}, which the codec '${this.#refusedBy}' would not keep`)
  }

  fail(depth: number, why: string): never {
    const path = describePath(this.#path.slice(0, depth))
    throw new OstrakaError('OSTRAKA_ERR_INVALID_VALUE', `Cannot store ${path}: ${why}`, {
      faults: [{ path, message: why }],
    })
  }

  reserve(bytes: number): void {
    if (this.position + bytes <= this.buffer.length) return
    if (this.position + bytes > MOST_BYTES) throw new ValueTooLarge()
    const grown = allocate(Math.max(this.buffer.length * 2, this.position + bytes))
    grown.set(this.buffer.subarray(0, this.position))
    this.#use(grown)
  }

  writeByte(byte: number): void {
    this.reserve(1)
    this.buffer[this.position++] = byte
  }

  /** A tag and a u32; returns where the number stands, for counts that are known only afterwards. */
  writeTagAndCount(tag: number, count: number): number {
    this.reserve(5)
    this.buffer[this.position] = tag
    this.view.setUint32(this.position + 1, count, true)
    this.position += 5
    return this.position - 4
  }

  writeString(text: string): void {
    this.reserve(textBound(text))
    const start = this.position
    this.position = writeText(this.buffer, start, text)
    // Only UTF-16 may hold lone surrogates, which V8 keeps and JSON keeps as escapes: no feature to mark.
  }

  #checkText(text: string, depth: number): void {
    if (!text.isWellFormed()) this.mark(Feature.beyondMsgpack, depth, 'text with a lone surrogate')
  }

  #checkName(name: string, depth: number): void {
    if (name === '__proto__') this.mark(Feature.beyondMsgpack, depth + 1, "a property named '__proto__'")
    if (!name.isWellFormed())
      this.mark(Feature.beyondMsgpack, depth + 1, 'a property with a lone surrogate in its name')
  }

  writeFloat64(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.position, value, true)
    this.position += 8
  }

  #writeNumber(value: number, depth: number): void {
    this.reserve(9)
    // −0 equals 0 as an integer, and is none.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      this.#writeInteger(value)
      return
    }
    if (value === 0) this.mark(Feature.beyondJson | Feature.beyondMsgpack, depth, '-0')
    else if (!Number.isFinite(value)) this.mark(Feature.beyondJson, depth, `${value}`)
    this.buffer[this.position++] = Tag.float64
    this.view.setFloat64(this.position, value, true)
    this.position += 8
  }

  #writeInteger(value: number): void {
    if (value >= 0 && value <= 127) {
      this.buffer[this.position++] = value
    } else if (value >= -128 && value <= 127) {
      this.buffer[this.position] = Tag.int8
      this.view.setInt8(this.position + 1, value)
      this.position += 2
    } else if (value >= -32_768 && value <= 32_767) {
      this.buffer[this.position] = Tag.int16
      this.view.setInt16(this.position + 1, value, true)
      this.position += 3
    } else {
      this.buffer[this.position] = Tag.int32
      this.view.setInt32(this.position + 1, value, true)
      this.position += 5
    }
  }

  #writeBigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.reserve(9)
      this.buffer[this.position] = Tag.bigint64
      this.view.setBigInt64(this.position + 1, value, true)
      this.position += 9
      return
    }
    const magnitude = magnitudeOf(value)
    this.writeByte(Tag.bigint)
    this.writeTagAndCount(value < 0n ? 1 : 0, magnitude.length)
    this.writeBytes(magnitude)
  }

  writeBytes(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  #writeObject(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) this.fail(depth, `it is nested more than ${MAX_DEPTH} levels deep`)
    if (this.#wroteReference(value, depth)) return
    if (Array.isArray(value)) {
      this.#writeArray(value, depth)
      return
    }
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype === null) {
      const lost = Feature.beyondJson | Feature.beyondV8 | Feature.beyondMsgpack
      this.mark(lost, depth, 'an object without a prototype')
      this.#writeProperties(value as Record<string, unknown>, Tag.bareObject, depth)
    } else if (prototype === Object.prototype || isObjectPrototype(prototype)) {
      this.#writeProperties(value as Record<string, unknown>, Tag.object, depth)
    } else {
      writeOther(this, value, prototype, depth)
    }
  }

  // Gives each object a number in the order of appearance; the reader counts the same way.
  #wroteReference(value: object, depth: number): boolean {
    const known = this.#seenSet === undefined ? this.#seen.indexOf(value) : this.#indexInSet(this.#seenSet, value)
    if (known < 0) {
      if (this.#seenSet === undefined && this.#seen.push(value) > LISTED) this.#seenSet = new Set(this.#seen)
      return false
    }
    const lost = Feature.references | Feature.beyondJson | Feature.beyondMsgpack
    this.mark(lost, depth, 'a second reference to the same object')
    this.writeTagAndCount(Tag.reference, known)
    return true
  }

  // One operation on the set for the many values without repeats; a map with numbers is made at the first repeat.
  #indexInSet(seen: Set<object>, value: object): number {
    const before = seen.size
    seen.add(value)
    if (seen.size !== before) {
      this.#seenNumbers?.set(value, before)
      return -1
    }
    // A set keeps the order of insertion.
    this.#seenNumbers ??= new Map([...seen].map((object, number) => [object, number]))
    return this.#seenNumbers.get(value) as number
  }

  #writeProperties(value: Record<string, unknown>, tag: number, depth: number): void {
    const keys = Object.keys(value)
    const count = keys.length
    this.failOnHidden(value, count, depth)
    if (count <= 15 && tag === Tag.object) this.writeByte(Tag.shortObject | count)
    else this.writeTagAndCount(tag, count)
    for (let i = 0; i < count; i++) {
      const key = keys[i] as string
      this.#path[depth] = key
      if (this.#wellFormed) this.#checkName(key, depth)
      this.writeString(key)
      this.writeNode(value[key], depth + 1)
    }
  }

  /** Refuses properties that a copy would silently lose: those under symbols and those that are not enumerable. */
  failOnHidden(value: object, enumerable: number, depth: number): void {
    if (Object.getOwnPropertyNames(value).length !== enumerable) {
      const hidden = Object.getOwnPropertyNames(value).find(
        (name) => !Object.prototype.propertyIsEnumerable.call(value, name),
      )
      this.fail(depth, `its property '${hidden}' is not enumerable and would be lost`)
    }
    this.failOnSymbols(value, depth)
  }

  failOnSymbols(value: object, depth: number): void {
    const symbols = Object.getOwnPropertySymbols(value)
    if (symbols.length > 0) this.fail(depth, `its property ${String(symbols[0])} has a symbol as its name`)
  }

  #writeArray(value: unknown[], depth: number): void {
    if (!isBuiltInPrototype(Object.getPrototypeOf(value) as object | null, 'Array', Array.prototype)) {
      this.fail(depth, 'it is an instance of a subclass of Array; store a plain array')
    }
    const keys = Object.keys(value)
    const length = value.length
    // Indexes come first, in order. As many keys as elements, the last being the last index: nothing but elements, and no holes.
    const dense = keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))
    const last = keys.at(-1)
    if (!dense && last !== undefined && !isIndexBelow(last, length)) {
      this.fail(depth, `it is an array with a property '${last}'`)
    }
    this.failOnSymbols(value, depth)
    if (length <= 15) this.writeByte(Tag.shortArray | length)
    else this.writeTagAndCount(Tag.array, length)
    if (!dense) {
      this.#writeSparse(value, keys, length, depth)
      return
    }
    for (let i = 0; i < length; i++) {
      this.#path[depth] = i
      this.writeNode(value[i], depth + 1)
    }
  }

  #writeSparse(value: unknown[], keys: string[], length: number, depth: number): void {
    this.mark(Feature.beyondJson | Feature.beyondMsgpack, depth, 'an array with holes')
    let next = 0
    for (const key of keys) {
      const index = Number(key)
      if (index > next) this.writeTagAndCount(Tag.holes, index - next)
      this.#path[depth] = index
      this.writeNode(value[index], depth + 1)
      next = index + 1
    }
    if (length > next) this.writeTagAndCount(Tag.holes, length - next)
  }

  #use(buffer: RawBuffer): void {
    this.buffer = buffer
    this.view = viewOf(buffer)
  }
}

function allocate(bytes: number): RawBuffer {
  return Buffer.allocUnsafeSlow(bytes) as RawBuffer
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}

function isIndexBelow(key: string, length: number): boolean {
  const index = Number(key)
  return index >= 0 && index < length && Number.isInteger(index) && String(index) === key
}

function beyond64Bits(value: bigint): number {
  return BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value ? 0 : Feature.beyondMsgpack
}

/** The bytes of a bigint without its sign, lowest first. */
export function magnitudeOf(value: bigint): Buffer {
  const hex = (value < 0n ? -value : value).toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').reverse()
}
