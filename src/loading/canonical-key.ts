// A key made of a function's arguments, such that different arguments never share one. Touches nothing; getters inside the arguments run.
//
// Every type is written in a form of its own: 1, -0, NaN, 10n, "text", null, undefined, Date(0), [1,hole], {"a":1}, Map{1=>2}, Set{1},
// Uint8Array(base64). The order of an object's properties and of the members of a Map or Set does not matter.
import { createHash } from 'node:crypto'
import { types } from 'node:util'
import { OstrakaError } from '../errors.js'
import { className, isBuiltInPrototype, isObjectPrototype } from '../values/prototypes.js'

/** Longer ones are replaced by their SHA-256, so that any arguments make a key of acceptable length. */
const LONGEST = 2048
const DEEPEST = 100

/**
 * The key of a call: the name up to the first colon, then the arguments. Undefined arguments at the end are left out: f(1) and
 * f(1, undefined) are the same call. Throws OSTRAKA_ERR_INVALID_ARGUMENT naming what cannot be told apart by its contents: functions,
 * symbols, instances of classes, cycles.
 */
export function canonicalKey(name: string, values: readonly unknown[]): string {
  let count = values.length
  while (count > 0 && values[count - 1] === undefined) count--
  const [first] = values
  const text =
    count === 1 && typeof first === 'string'
      ? JSON.stringify(first)
      : values
          .slice(0, count)
          .map((value, index) => new ArgumentWriter(`argument ${index + 1}`).write(value))
          .join(',')
  const key = `${name}:${text}`
  return key.length <= LONGEST ? key : `${name}:#${createHash('sha256').update(text, 'utf8').digest('base64url')}`
}

/** Names are written so that the first colon of a key ends them. */
export function canonicalName(name: string): string {
  return name.replace(/[%:]/g, (character) => (character === '%' ? '%25' : '%3A'))
}

class ArgumentWriter {
  readonly #where: string
  readonly #inside = new Set<object>()
  readonly #path: string[] = []

  constructor(where: string) {
    this.#where = where
  }

  write(value: unknown): string {
    switch (typeof value) {
      case 'string':
        // Escapes lone surrogates, so that each string has a text of its own.
        return JSON.stringify(value)
      case 'number':
        return Object.is(value, -0) ? '-0' : String(value)
      case 'bigint':
        return `${value}n`
      case 'boolean':
      case 'undefined':
        return String(value)
      case 'object':
        return value === null ? 'null' : this.#object(value)
      default:
        throw this.#refused(`a ${typeof value}`)
    }
  }

  #object(value: object): string {
    if (this.#inside.has(value)) throw this.#refused('a cycle')
    if (this.#inside.size >= DEEPEST) throw this.#refused(`nested more than ${DEEPEST} levels deep`)
    this.#inside.add(value)
    const text = Array.isArray(value) ? this.#array(value) : this.#other(value)
    this.#inside.delete(value)
    return text
  }

  #array(value: readonly unknown[]): string {
    this.#onlyIndexes(value)
    const members: string[] = []
    for (let index = 0; index < value.length; index++) {
      members.push(index in value ? this.#at(`[${index}]`, value[index]) : 'hole')
    }
    return `[${members.join(',')}]`
  }

  #onlyIndexes(value: readonly unknown[]): void {
    const prototype: object | null = Object.getPrototypeOf(value)
    if (!isBuiltInPrototype(prototype, 'Array', Array.prototype))
      throw this.#refused(`an instance of ${className(value)}`)
    const named = Object.keys(value).find((name) => !/^\d+$/.test(name))
    if (named !== undefined) throw this.#refused(`an array with a property '${named}'`)
    this.#noSymbols(value)
  }

  #other(value: object): string {
    const prototype: object | null = Object.getPrototypeOf(value)
    if (prototype === null || isObjectPrototype(prototype)) return this.#plain(value)
    const is = (name: string, own: object) => isBuiltInPrototype(prototype, name, own)
    if (types.isDate(value) && is('Date', Date.prototype)) return `Date(${value.getTime()})`
    if (types.isMap(value) && is('Map', Map.prototype)) return this.#map(value)
    if (types.isSet(value) && is('Set', Set.prototype)) return this.#set(value)
    if (types.isRegExp(value) && is('RegExp', RegExp.prototype))
      return `RegExp(${JSON.stringify(value.source)},${value.flags})`
    if (value instanceof URL && prototype === URL.prototype) return `URL(${JSON.stringify(value.href)})`
    if (value instanceof URLSearchParams && prototype === URLSearchParams.prototype)
      return `URLSearchParams(${JSON.stringify(String(value))})`
    return this.#bytes(value, prototype)
  }

  #bytes(value: object, prototype: object): string {
    const name = className(value)
    if (types.isArrayBuffer(value) && isBuiltInPrototype(prototype, 'ArrayBuffer', ArrayBuffer.prototype))
      return `ArrayBuffer(${Buffer.from(value).toString('base64')})`
    if (ArrayBuffer.isView(value)) {
      const buffer = prototype === Buffer.prototype
      if (buffer || isBuiltInPrototype(prototype, name, prototypeOf(name))) {
        return `${name}(${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')})`
      }
    }
    throw this.#refused(`an instance of ${name}`)
  }

  #plain(value: object): string {
    this.#noSymbols(value)
    const names = Object.keys(value).sort()
    const members = names.map((name) => `${JSON.stringify(name)}:${this.#at(`.${name}`, Reflect.get(value, name))}`)
    return `{${members.join(',')}}`
  }

  #map(value: Map<unknown, unknown>): string {
    const members = [...value].map(([key, member]) => `${this.#at('<key>', key)}=>${this.#at('<value>', member)}`)
    return `Map{${members.sort().join(',')}}`
  }

  #set(value: Set<unknown>): string {
    const members = [...value].map((member) => this.#at('<member>', member))
    return `Set{${members.sort().join(',')}}`
  }

  #at(step: string, value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(value)
    this.#path.push(step)
    const text = this.write(value)
    this.#path.pop()
    return text
  }

  #noSymbols(value: object): void {
    if (Object.getOwnPropertySymbols(value).length > 0) throw this.#refused('an object with symbols as property names')
  }

  #refused(what: string): OstrakaError {
    const place = `${this.#where}${this.#path.slice(0, 20).join('')}`
    const message = `${place} is ${what}, which makes no key; pass plain data, or give wrap a 'key' function`
    return new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', message)
  }
}

/** The prototype of a typed array of this realm, by the name of its class. */
function prototypeOf(name: string): object {
  const found: unknown = Reflect.get(globalThis, name)
  return typeof found === 'function' && typeof found.prototype === 'object'
    ? (found.prototype as object)
    : Object.prototype
}
