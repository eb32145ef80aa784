// The half of the writer for objects that are neither plain nor arrays: Date, Map, Set, RegExp, URL, Error, bytes. Everything else is
// refused by name. Touches the writer it is given; reads inner slots through the built-in methods, never through what an object overrides.
import { types } from 'node:util'
import { errorNames, Feature, Tag, typedArrayNames } from './format.js'
import { className, isBuiltInPrototype } from './prototypes.js'
import type { ValueWriter } from './writer.js'

const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined

/** `value` is an object whose prototype is neither null, nor Object.prototype, nor an array's. */
export function writeOther(writer: ValueWriter, value: object, prototype: object, depth: number): void {
  if (ArrayBuffer.isView(value)) writeView(writer, value, prototype, depth)
  else if (types.isDate(value) && isBuiltInPrototype(prototype, 'Date', Date.prototype)) writeDate(writer, value, depth)
  else if (types.isMap(value) && isBuiltInPrototype(prototype, 'Map', Map.prototype)) writeMap(writer, value, depth)
  else if (types.isSet(value) && isBuiltInPrototype(prototype, 'Set', Set.prototype)) writeSet(writer, value, depth)
  else if (types.isRegExp(value) && isBuiltInPrototype(prototype, 'RegExp', RegExp.prototype)) {
    writeRegExp(writer, value, depth)
  } else if (prototype === URL.prototype && value instanceof URL) writeUrl(writer, value, depth)
  else if (types.isNativeError(value)) writeError(writer, value, prototype, depth)
  else if (types.isArrayBuffer(value)) writeArrayBuffer(writer, value, prototype, depth)
  else writer.fail(depth, refusal(value))
}

function writeDate(writer: ValueWriter, value: Date, depth: number): void {
  prepare(writer, value, depth, 0, 'a Date')
  writer.writeByte(Tag.date)
  writer.writeFloat64(Date.prototype.getTime.call(value))
}

function refusal(value: object): string {
  if (types.isSharedArrayBuffer(value)) return 'it is a SharedArrayBuffer, which cannot be stored; copy it to a Buffer'
  if (types.isPromise(value)) return 'it is a Promise; await it first'
  return `it is an instance of ${className(value)}, which cannot be stored; store plain data`
}

/** Marks what all these have in common, and refuses properties that somebody put on the object. */
function prepare(
  writer: ValueWriter,
  value: object,
  depth: number,
  ownProperties: number,
  what: string,
  more = 0,
): void {
  writer.mark(Feature.unfreezable | Feature.beyondJson | more, depth, what)
  const names = Object.getOwnPropertyNames(value)
  if (names.length !== ownProperties) writer.fail(depth, `it is ${what} with a property '${names.at(-1)}' of its own`)
  writer.failOnSymbols(value, depth)
}

function writeMap(writer: ValueWriter, value: Map<unknown, unknown>, depth: number): void {
  prepare(writer, value, depth, 0, 'a Map', Feature.beyondMsgpack)
  const countAt = writer.writeTagAndCount(Tag.map, 0)
  let count = 0
  Map.prototype.forEach.call(value, (member: unknown, key: unknown) => {
    writer.step(depth, { inside: 'map key', at: key })
    writer.writeNode(key, depth + 1)
    writer.step(depth, { inside: 'map value', at: key })
    writer.writeNode(member, depth + 1)
    count++
  })
  writer.view.setUint32(countAt, count, true)
}

function writeSet(writer: ValueWriter, value: Set<unknown>, depth: number): void {
  prepare(writer, value, depth, 0, 'a Set', Feature.beyondMsgpack)
  const countAt = writer.writeTagAndCount(Tag.set, 0)
  let count = 0
  Set.prototype.forEach.call(value, (member: unknown) => {
    writer.step(depth, { inside: 'set member', at: member })
    writer.writeNode(member, depth + 1)
    count++
  })
  writer.view.setUint32(countAt, count, true)
}

function writeRegExp(writer: ValueWriter, value: RegExp, depth: number): void {
  const lastIndex: unknown = value.lastIndex
  const lost = Feature.beyondMsgpack | (lastIndex === 0 ? 0 : Feature.beyondV8)
  prepare(writer, value, depth, 1, 'a RegExp', lost)
  if (typeof lastIndex !== 'number') writer.fail(depth, 'it is a RegExp whose lastIndex is not a number')
  writer.writeByte(Tag.regexp)
  writer.writeString(value.source)
  writer.writeString(value.flags)
  writer.writeFloat64(lastIndex)
}

function writeUrl(writer: ValueWriter, value: URL, depth: number): void {
  prepare(writer, value, depth, 0, 'a URL', Feature.beyondV8 | Feature.beyondMsgpack)
  writer.writeByte(Tag.url)
  writer.writeString(value.href)
}

function writeError(writer: ValueWriter, value: Error, prototype: object, depth: number): void {
  const place = errorNames.findIndex((name) => isErrorPrototype(prototype, name))
  if (place < 0) writer.fail(depth, refusal(value))
  const lost = Feature.beyondJson | Feature.beyondV8 | Feature.beyondMsgpack
  writer.mark(Feature.unfreezable | lost, depth, 'an Error')
  writer.failOnSymbols(value, depth)
  // Node gives some of its errors a hidden toString; nothing else that is hidden and a function is data.
  const names = Object.getOwnPropertyNames(value).filter(
    (name) => isEnumerable(value, name) || typeof value[name as keyof Error] !== 'function',
  )
  if (names.length > 255) writer.fail(depth, 'it is an Error with more than 255 properties')
  writer.reserve(3)
  writer.writeByte(Tag.error)
  writer.writeByte(place)
  writer.writeByte(names.length)
  for (const name of names) {
    writer.step(depth, name)
    writer.writeString(name)
    writer.writeByte(isEnumerable(value, name) ? 1 : 0)
    const property: unknown = value[name as keyof Error]
    if (property === undefined) writer.writeByte(Tag.undefined)
    else writer.writeNode(property, depth + 1)
  }
}

function isErrorPrototype(prototype: object, name: (typeof errorNames)[number]): boolean {
  const own = globalThis[name].prototype as object
  if (isBuiltInPrototype(prototype, name, own)) return true
  // Node's own errors (code ERR_…) are of inner classes that pass themselves off as the built-in ones.
  return Object.getPrototypeOf(prototype) === own && Reflect.get(prototype, 'constructor') === own.constructor
}

function isEnumerable(value: object, name: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, name)
}

function writeView(writer: ValueWriter, value: ArrayBufferView, prototype: object, depth: number): void {
  const isBuffer = prototype === Buffer.prototype
  const name = isBuffer ? 'Buffer' : types.isDataView(value) ? 'DataView' : typedArrayName.call(value)
  if (!isBuffer) {
    const own = (globalThis as unknown as Record<string, { prototype: object } | undefined>)[name ?? '']?.prototype
    if (own === undefined || !isBuiltInPrototype(prototype, name ?? '', own)) writer.fail(depth, refusal(value))
  }
  const lost = Feature.beyondJson | (isBuffer ? 0 : Feature.beyondMsgpack)
  writer.mark(Feature.unfreezable | lost, depth, `a ${name}`)
  failOnUnusualBuffer(writer, value.buffer, depth)
  failOnNamedProperties(writer, value, depth)
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (isBuffer) {
    writer.writeTagAndCount(Tag.buffer, bytes.length)
  } else {
    const type = typedArrayNames.indexOf(name as (typeof typedArrayNames)[number])
    if (type < 0) writer.fail(depth, refusal(value))
    writer.writeByte(Tag.typedArray)
    writer.writeTagAndCount(type, bytes.length)
  }
  writer.writeBytes(bytes)
}

function writeArrayBuffer(writer: ValueWriter, value: ArrayBuffer, prototype: object, depth: number): void {
  if (!isBuiltInPrototype(prototype, 'ArrayBuffer', ArrayBuffer.prototype)) writer.fail(depth, refusal(value))
  prepare(writer, value, depth, 0, 'an ArrayBuffer', Feature.beyondMsgpack)
  failOnUnusualBuffer(writer, value, depth)
  writer.writeTagAndCount(Tag.arrayBuffer, value.byteLength)
  writer.writeBytes(new Uint8Array(value))
}

function failOnUnusualBuffer(writer: ValueWriter, buffer: ArrayBufferLike, depth: number): void {
  if (types.isSharedArrayBuffer(buffer)) {
    writer.fail(depth, 'it lies in a SharedArrayBuffer, which other threads may change; copy it first')
  }
  const { resizable, detached } = buffer as { resizable?: boolean; detached?: boolean }
  if (resizable === true) writer.fail(depth, 'it is a resizable ArrayBuffer, or lies in one')
  if (detached === true || (buffer.byteLength === 0 && isDetached(buffer))) {
    writer.fail(depth, 'its ArrayBuffer was transferred away')
  }
}

// Node 20 does not tell by a property, but refuses views of a detached buffer.
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

// Indexes are own properties too, one for each element: only a name that is no index says that there are more. The last few are
// enough, since indexes come first.
function failOnNamedProperties(writer: ValueWriter, value: ArrayBufferView, depth: number): void {
  writer.failOnSymbols(value, depth)
  const length = (value as { length?: number }).length ?? 0
  // Listing the indexes of long ones would cost more than copying them.
  if (length > 64) return
  const names = Object.getOwnPropertyNames(value)
  if (names.length !== length) writer.fail(depth, `it has a property '${names.at(-1)}' of its own`)
}
