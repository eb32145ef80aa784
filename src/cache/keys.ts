// How the keys of the cache and of its namespaces stand beside each other in one memory: a namespace's keys carry a prefix that begins
// with a reserved character, and keys that begin with that character themselves get it twice. So no two of them are ever the same
// (docs/decisions/namespaces.md). Touches nothing.
import { reservedCharacter } from '../options/namespace-options.js'
import { checkKey, invalidKeyOfLength, keyBytes, MAX_KEY_BYTES } from './arguments.js'

const mark = reservedCharacter
const MARK = mark.charCodeAt(0)

/** What the keys of a namespace begin with; `parent` is the prefix of the view that it is a namespace of. */
export function namespacePrefix(parent: string, name: string): string {
  return `${parent}${mark}${name}${mark}`
}

/** What a key in memory is to its user; names of namespaces within namespaces are joined by '/'. */
export function splitKey(stored: string): { key: string; namespace: string | undefined } {
  const names: string[] = []
  let at = 0
  while (stored.charCodeAt(at) === MARK && stored.charCodeAt(at + 1) !== MARK) {
    const end = stored.indexOf(mark, at + 1)
    // Cut within its prefix.
    if (end < 0) break
    names.push(stored.slice(at + 1, end))
    at = end + 1
  }
  const key = stored.slice(stored.charCodeAt(at) === MARK ? at + 1 : at)
  return { key, namespace: names.length === 0 ? undefined : names.join('/') }
}

/** The keys of one view, between what its users write and what stands in memory. */
export class KeySpace {
  /** Empty for the cache itself. */
  readonly prefix: string
  readonly #prefixBytes: number

  constructor(prefix: string) {
    this.prefix = prefix
    this.#prefixBytes = keyBytes(prefix)
  }

  /** The key in memory. Throws OSTRAKA_ERR_INVALID_KEY unless it is a non-empty string that fits, prefix included. */
  encode(key: string): string {
    checkKey(key)
    const own = key.charCodeAt(0) === MARK ? mark + key : key
    if (this.#prefixBytes === 0 && own === key) return key
    // A character has at most three bytes: what is surely short enough need not be counted.
    if (this.#prefixBytes + own.length * 3 > MAX_KEY_BYTES) this.#checkBytes(own, key)
    return this.prefix + own
  }

  #checkBytes(own: string, key: string): void {
    const bytes = this.#prefixBytes + keyBytes(own)
    if (bytes > MAX_KEY_BYTES) throw invalidKeyOfLength(bytes, key)
  }

  encodeAll(keys: readonly string[]): string[] {
    return keys.map((key) => this.encode(key))
  }

  /** What keys in memory begin with, of those that begin with `prefix` here. */
  encodePrefix(prefix: string): string {
    return prefix.charCodeAt(0) === MARK ? this.prefix + mark + prefix : this.prefix + prefix
  }

  /** The key as users wrote it, of one in memory that begins with the prefix; `undefined` when it belongs to a namespace within. */
  decode(stored: string): string | undefined {
    const own = this.prefix === '' ? stored : stored.slice(this.prefix.length)
    if (own.charCodeAt(0) !== MARK) return own
    return own.charCodeAt(1) === MARK ? own.slice(1) : undefined
  }
}
