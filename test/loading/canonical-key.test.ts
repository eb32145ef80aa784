// Keys made of arguments: different arguments, different keys; what no key can stand for is refused.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalKey, canonicalName } from '../../src/loading/canonical-key.js'

const key = (...args: unknown[]) => canonicalKey('f', args)

describe('canonical keys', () => {
  it('are all different for what is different', () => {
    const sparse: unknown[] = [1]
    sparse.length = 2
    const calls: unknown[][] = [
      [],
      [null],
      ['null'],
      [undefined, 1],
      [null, 1],
      [0],
      [-0],
      ['0'],
      [0n],
      ['0n'],
      [Number.NaN],
      ['NaN'],
      [Number.POSITIVE_INFINITY],
      [true],
      ['true'],
      [''],
      [[]],
      [{}],
      [[[]]],
      [[undefined]],
      [[null]],
      [sparse],
      [[1, undefined]],
      [[1]],
      [1, 2],
      [[1, 2]],
      ['1,2'],
      ['1', '2'],
      [{ a: 1 }],
      [{ a: '1' }],
      [{ a: undefined }],
      [{ a: { b: 1 } }],
      [{ 'a":1,"b': 1 }],
      [{ a: 1, b: 1 }],
      [new Date(0)],
      [new Date(Number.NaN)],
      ['Date(0)'],
      [new Map()],
      [new Map([[1, 2]])],
      [new Map([['1', 2]])],
      [new Set()],
      [new Set([1])],
      [new Set([[1]])],
      [/a/],
      [/a/g],
      [new URL('http://a/')],
      ['http://a/'],
      [new URLSearchParams('a=1')],
      [new Uint8Array([1])],
      [Buffer.from([1])],
      [new Int8Array([1])],
      [new Uint16Array([1])],
      [new Uint8Array([1]).buffer],
      [new DataView(new Uint8Array([1]).buffer)],
      ['\ud800'],
      ['\udfff'],
      ['\ufffd'],
      ['#'],
    ]
    const keys = calls.map((args) => key(...args))
    expect(new Set(keys).size).toBe(calls.length)
  })

  it('are the same for what is the same', () => {
    expect(key({ a: 1, b: [2, { c: 3, d: 4 }] })).toBe(key({ b: [2, { d: 4, c: 3 }], a: 1 }))
    expect(key(new Set([1, 2]))).toBe(key(new Set([2, 1])))
    const pairs: [string, number][] = [
      ['a', 1],
      ['b', 2],
    ]
    expect(key(new Map(pairs))).toBe(key(new Map([...pairs].reverse())))
    expect(key(1, undefined, undefined)).toBe(key(1))
    const shared = { a: 1 }
    expect(key([shared, shared])).toBe(key([{ a: 1 }, { a: 1 }]))
    expect(key(Object.assign(Object.create(null), { a: 1 }))).toBe(key({ a: 1 }))
  })

  it('never meet for any two values that differ', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
      fc.date({ noInvalidDate: false }),
      fc.uint8Array({ maxLength: 3 }),
    )
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('node'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).node
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(key([a]) === key([b])).toBe(isDeepStrictEqual(a, b))
      }),
      { numRuns: 2000 },
    )
  })

  it('of long arguments are short', () => {
    const a = key('x'.repeat(100_000))
    expect(a.length).toBeLessThan(100)
    expect(a).not.toBe(key(`${'x'.repeat(99_999)}y`))
    expect(a).toBe(key('x'.repeat(100_000)))
    expect(a).not.toBe(key(a.slice(2)))
  })

  it('of different names never meet', () => {
    const of = (name: string, ...args: unknown[]) => canonicalKey(canonicalName(name), args)
    expect(of('a', 'b')).toBe('a:"b"')
    expect(new Set([of('a:"b"'), of('a', 'b'), of('a%3A"b"'), of('a%3A', 'b'), of('a:', 'b')]).size).toBe(5)
  })

  it.each([
    ['a function', () => 1, /argument 1 is a function/],
    ['a symbol', Symbol('s'), /argument 1 is a symbol/],
    ['an instance', new (class Box {})(), /argument 1 is an instance of Box/],
    ['a promise', Promise.resolve(), /an instance of Promise/],
    ['an error', new Error('e'), /an instance of Error/],
    ['a boxed number', Object(1), /an instance of Number/],
    ['a function inside', { a: [{ b: () => 1 }] }, /argument 1\.a\[0\]\.b is a function/],
    ['a symbol as a name', { [Symbol('s')]: 1 }, /symbols/],
    ['an array with names', Object.assign([1], { name: 1 }), /property 'name'/],
    ['a subclass of Map', new (class M extends Map {})(), /an instance of M/],
  ])('refuse %s', (_, value, message) => {
    expect(() => key(value)).toThrow(message)
    expect(() => key(value)).toThrow(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }))
  })

  it('refuse cycles, and what is nested without end', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = [cycle]
    expect(() => key(1, cycle)).toThrow(/argument 2\.self\[0\] is a cycle/)
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(() => key(deep)).toThrow(/nested/)
  })
})
