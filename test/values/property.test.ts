import fc from 'fast-check'
import { expect, it } from 'vitest'
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
