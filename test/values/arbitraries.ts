// Values as users may store them, nested, cyclic and of other realms, made at random by fast-check.
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'

// Any UTF-16 code units, so that lone surrogates are met, beside ordinary text of every length class.
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 120 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
  fc.string({ minLength: 80, maxLength: 400 }),
)
const leaf = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 127, 128, -128, -129, 2 ** 31, -(2 ** 31) - 1),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array(),
  fc.bigInt64Array(),
  fc.constantFrom(/a+/gi, /[\]/\\]/u).map((pattern) => new RegExp(pattern)),
  fc.webUrl().map((url) => new URL(url)),
  fc.record({ message: text, code: text }).map(({ message, code }) => Object.assign(new RangeError(message), { code })),
)
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '0', '10', 'toString', 'length', ''))

const foreignObject = runInNewContext('(() => ({}))') as () => Record<string, unknown>
const foreignArray = runInNewContext('(() => [])') as () => unknown[]

function object(entries: [string, unknown][], target: object): object {
  for (const [name, value] of entries) {
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true })
  }
  return target
}

// Repeats of one generated part inside another give shared references; `knot` below adds cycles.
export const value = fc.letrec<{ node: unknown }>((tie) => {
  const entries = fc.array(fc.tuple(key, tie('node')), { maxLength: 6 })
  const list = fc.array(tie('node'), { maxLength: 6 })
  return {
    node: fc.oneof(
      { maxDepth: 5, depthSize: 'medium' },
      leaf,
      entries.map((pairs) => object(pairs, {})),
      entries.map((pairs) => object(pairs, Object.create(null) as object)),
      entries.map((pairs) => object(pairs, foreignObject())),
      list,
      list.map((members) => Object.assign(foreignArray(), members)),
      fc.sparseArray(tie('node'), { maxLength: 20, maxNumElements: 5 }),
      fc.array(fc.tuple(tie('node'), tie('node')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      list.map((members) => new Set(members)),
      tie('node').map((part) => [part, { again: part }, part]),
      tie('node').map((part) => new Error('with a cause', { cause: part })),
    ),
  }
}).node

export const knotted = fc.tuple(value, value).map(([a, b]) => {
  const knot: Record<string, unknown> = { a, b, a2: a }
  knot['self'] = knot
  knot['map'] = new Map<unknown, unknown>([[knot, [knot, b]]])
  return knot
})
