import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeValue } from '../../src/values/decode.js'
import { encodeValue } from '../../src/values/encode.js'
import type { RawBuffer } from '../../src/values/format.js'
import { difference } from './equality.js'

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
const value = fc.letrec<{ node: unknown }>((tie) => {
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

const knotted = fc.tuple(value, value).map(([a, b]) => {
  const knot: Record<string, unknown> = { a, b, a2: a }
  knot['self'] = knot
  knot['map'] = new Map<unknown, unknown>([[knot, [knot, b]]])
  return knot
})

function roundTrip(input: unknown, freeze: boolean): unknown {
  // Strings go to the engine as they are, and have their own tests there.
  const wrapped = typeof input === 'string' ? { input } : input
  const { kind, bytes } = encodeValue(wrapped, 'auto')
  const copy = Buffer.from(bytes) as RawBuffer
  const decoded = decodeValue(kind, copy, copy.length, freeze)
  copy.fill(0xff)
  return typeof input === 'string' ? (decoded as { input: string }).input : decoded
}

const runs = Number(process.env['OSTRAKA_RUNS'] ?? 800)

it('any nested value comes back as it went in, frozen or not', () => {
  fc.assert(
    fc.property(fc.oneof(value, knotted), fc.boolean(), (input, freeze) => {
      expect(difference(input, roundTrip(input, freeze))).toBeUndefined()
    }),
    { numRuns: runs },
  )
})

it('the comparison itself sees what may get lost', () => {
  const shared = {}
  const unequal: [unknown, unknown][] = [
    [0, -0],
    [[1], [1, undefined]],
    [new Array(1), [undefined]],
    [{ a: 1 }, Object.assign(Object.create(null), { a: 1 })],
    [Buffer.from('a'), new Uint8Array([97])],
    [
      [shared, shared],
      [{}, {}],
    ],
    [
      [{}, {}],
      [shared, shared],
    ],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [new Date(1), new Date(2)],
    [new Map([[1, 2]]), new Map([[1, 3]])],
    [new Set([1]), new Set([2])],
    [new Error('a'), { message: 'a' }],
    [/a/g, /a/],
    ['\ud800', '\ufffd'],
  ]
  for (const [a, b] of unequal) expect(difference(a, b)).toBeDefined()
})
