import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { expect, it } from 'vitest'
import { Kind } from '../../src/engine/engine.js'
import type { OstrakaError } from '../../src/errors.js'
import { decodeValue } from '../../src/values/decode.js'
import { encodeValue } from '../../src/values/encode.js'
import type { RawBuffer } from '../../src/values/format.js'
import { knotted, value } from './arbitraries.js'
import { difference } from './equality.js'

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

const plain = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'bigint' })

/** What msgpackr makes of a value by itself. */
function carried(input: object): unknown {
  try {
    return plain.unpack(plain.pack(input))
  } catch {
    return undefined
  }
}

it('MessagePack keeps a value, or refuses one that it would not keep, and says where', () => {
  let kept = 0
  let refused = 0
  fc.assert(
    fc.property(value, (part) => {
      const input = { part }
      let bytes: Uint8Array
      try {
        const encoded = encodeValue(input, 'msgpack')
        expect(encoded.kind).toBe(Kind.msgpack)
        bytes = encoded.bytes
      } catch (error) {
        expect((error as OstrakaError).code).toBe('OSTRAKA_ERR_INVALID_VALUE')
        expect((error as OstrakaError).faults[0]?.path).toMatch(/^value/)
        expect(difference(input, carried(input))).toBeDefined()
        refused++
        return
      }
      const copy = Buffer.from(bytes) as RawBuffer
      const decoded = decodeValue(Kind.msgpack, copy, copy.length, true)
      copy.fill(0xff)
      expect(difference(input, decoded)).toBeUndefined()
      kept++
    }),
    { numRuns: runs },
  )
  expect(kept).toBeGreaterThan(0)
  expect(refused).toBeGreaterThan(0)
})

it('MessagePack keeps all that it is let through: plain data, dates, bytes, 64-bit integers', () => {
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.integer(),
      fc.double().filter((number) => !Object.is(number, -0)),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.date({ noInvalidDate: false }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.array(tie('node'), { maxLength: 6 }),
      fc.dictionary(
        fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__'),
        tie('node'),
        { maxKeys: 6, noNullPrototype: true },
      ),
    ),
  }))
  fc.assert(
    fc.property(node, (part) => {
      const { bytes } = encodeValue({ part }, 'msgpack')
      const copy = Buffer.from(bytes) as RawBuffer
      expect(difference({ part }, decodeValue(Kind.msgpack, copy, copy.length, false))).toBeUndefined()
      // Another reader of the format sees the same.
      expect(difference({ part }, plain.unpack(copy))).toBeUndefined()
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
