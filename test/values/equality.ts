// Deep equality as strict as the promise "comes back as it went in": −0 and holes, prototypes and classes, own properties in order,
// bytes and their type, sharing and cycles. Foreign realms count as equal to ours: values come back as this realm's.
import { types } from 'node:util'

/** Undefined when equal, else the first difference. */
export function difference(expected: unknown, actual: unknown): string | undefined {
  return compare(expected, actual, new Map(), new Map(), 'value')
}

function compare(
  a: unknown,
  b: unknown,
  pairs: Map<object, object>,
  reverse: Map<object, object>,
  path: string,
): string | undefined {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
    return Object.is(a, b) ? undefined : `${path}: ${String(a)} became ${String(b)}`
  }
  // The graph must have the same shape: what was one object is one object, what were two are two.
  const partner = pairs.get(a)
  if (partner !== undefined || reverse.has(b)) {
    return partner === b && reverse.get(b) === a ? undefined : `${path}: sharing differs`
  }
  pairs.set(a, b)
  reverse.set(b, a)
  const tag = classOf(a)
  if (tag !== classOf(b)) return `${path}: ${tag} became ${classOf(b)}`
  return inner(a, b, pairs, reverse, path) ?? properties(a, b, pairs, reverse, path)
}

function classOf(value: object): string {
  if (Object.getPrototypeOf(value) === null) return 'null prototype'
  if (Buffer.isBuffer(value)) return 'Buffer'
  return (Object.getPrototypeOf(value) as { constructor: { name: string } }).constructor.name
}

function inner(
  a: object,
  b: object,
  pairs: Map<object, object>,
  reverse: Map<object, object>,
  path: string,
): string | undefined {
  if (types.isDate(a)) return Object.is(a.getTime(), (b as Date).getTime()) ? undefined : `${path}: another time`
  if (types.isRegExp(a)) return String(a) === String(b) ? undefined : `${path}: another expression`
  if (a instanceof URL) return a.href === (b as URL).href ? undefined : `${path}: another URL`
  if (types.isMap(a) || types.isSet(a)) {
    const left = [...(a as Map<unknown, unknown>)]
    const right = [...(b as Map<unknown, unknown>)]
    return compare(left, right, pairs, reverse, `${path}<members>`)
  }
  if (types.isNativeError(a)) return types.isNativeError(b) ? undefined : `${path}: no native error`
  if (types.isAnyArrayBuffer(a) || ArrayBuffer.isView(a)) {
    return bytesOf(a).equals(bytesOf(b)) ? undefined : `${path}: other bytes`
  }
  return undefined
}

function bytesOf(value: object): Buffer {
  if (types.isAnyArrayBuffer(value)) return Buffer.from(value as ArrayBuffer)
  const view = value as ArrayBufferView
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength)
}

function properties(
  a: object,
  b: object,
  pairs: Map<object, object>,
  reverse: Map<object, object>,
  path: string,
): string | undefined {
  if (ArrayBuffer.isView(a)) return undefined
  const left = Reflect.ownKeys(a)
  const right = Reflect.ownKeys(b)
  if (types.isNativeError(a)) {
    left.sort()
    right.sort()
  }
  if (left.length !== right.length || left.some((key, index) => key !== right[index])) {
    return `${path}: keys ${left.map(String)} became ${right.map(String)}`
  }
  for (const key of left) {
    const place = `${path}.${String(key)}`
    const enumerable = Object.prototype.propertyIsEnumerable.call(a, key)
    if (enumerable !== Object.prototype.propertyIsEnumerable.call(b, key)) return `${place}: enumerable differs`
    const found = compare(a[key as keyof object], b[key as keyof object], pairs, reverse, place)
    if (found !== undefined) return found
  }
  return undefined
}
