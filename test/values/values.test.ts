import { types } from 'node:util'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Kind } from '../../src/engine/engine.js'
import type { OstrakaError } from '../../src/errors.js'
import type { Codec } from '../../src/options/codec.js'
import { decodeValue } from '../../src/values/decode.js'
import { encodeValue } from '../../src/values/encode.js'
import type { RawBuffer } from '../../src/values/format.js'
import { difference } from './equality.js'
import { cyclic, kept, shared, withCause } from './samples.js'

function roundTrip(value: unknown, codec: Codec = 'auto', freeze = false): unknown {
  const { kind, bytes } = encodeValue(value, codec)
  expect(kind).toBeGreaterThanOrEqual(0)
  const copy = Buffer.from(bytes) as RawBuffer
  const decoded = decodeValue(kind, copy, copy.length, freeze)
  // Nothing decoded may share memory with the bytes it came from.
  copy.fill(0xff)
  return decoded
}

function expectKept(value: unknown, codec: Codec = 'auto'): void {
  expect(difference(value, roundTrip(value, codec))).toBeUndefined()
}

function faultOf(value: unknown, codec: Codec = 'auto'): string {
  try {
    encodeValue(value, codec)
  } catch (error) {
    expect((error as OstrakaError).code).toBe('OSTRAKA_ERR_INVALID_VALUE')
    return (error as OstrakaError).message
  }
  throw new Error('this value was accepted')
}

describe('values that come back as they went in', () => {
  it.each(kept)('%s', (_, value) => expectKept(value))

  it('has numbers, booleans, null, bigint and Buffer without a codec', () => {
    const kinds = [1.5, true, false, null, 5n, Buffer.from('a')].map((value) => encodeValue(value, 'auto').kind)
    expect(kinds).toEqual([Kind.number, Kind.true, Kind.false, Kind.null, Kind.bigint, Kind.bytes])
  })

  it("takes values of other realms and gives back this realm's", () => {
    const foreign = runInNewContext(`
      const o = { a: [1, { b: new Date(5) }], m: new Map([[1, new Set([2])]]), r: /x/g, e: new TypeError('t'), n: null,
        u: new Uint16Array([1, 2]), ab: new Uint8Array([1]).buffer, big: 5n }
      o.self = o
      o
    `) as Record<string, unknown>
    expect(Object.getPrototypeOf(foreign)).not.toBe(Object.prototype)
    const back = roundTrip(foreign) as Record<string, unknown>
    expect(difference(foreign, back)).toBeUndefined()
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(back['a'])).toBe(Array.prototype)
    expect(back['m']).toBeInstanceOf(Map)
    expect(back['e']).toBeInstanceOf(TypeError)
    expect(back['u']).toBeInstanceOf(Uint16Array)
  })

  it('keeps errors real errors with their fields and stack', () => {
    const back = roundTrip(withCause) as TypeError & { code: string; status: number }
    expect(types.isNativeError(back)).toBe(true)
    expect(back).toBeInstanceOf(TypeError)
    expect(back.stack).toBe(withCause.stack)
    expect([back.name, back.message, back.code, back.status]).toEqual(['TypeError', 'outer', 'E_TEST', 503])
    expect((back.cause as Error).message).toBe('inner')
    expect(Object.keys(back)).toEqual(['code', 'status', 'details'])
  })

  it("keeps the errors of Node's own", () => {
    let own: unknown
    try {
      Buffer.from(5 as unknown as string)
    } catch (error) {
      own = error
    }
    const back = roundTrip(own) as NodeJS.ErrnoException
    expect(back).toBeInstanceOf(TypeError)
    expect([back.code, back.message, back.stack]).toEqual([
      'ERR_INVALID_ARG_TYPE',
      (own as Error).message,
      (own as Error).stack,
    ])
  })

  it('does not carry the rest of a pool along', () => {
    expect(encodeValue({ b: Buffer.from('tiny') }, 'auto').bytes.length).toBeLessThan(40)
  })

  it('reads each property once, getters and proxies included', () => {
    let reads = 0
    const value = {
      get counted() {
        return ++reads
      },
    }
    expect(roundTrip(value)).toEqual({ counted: 1 })
    expect(reads).toBe(1)
    expect(difference({ a: 1 }, roundTrip(new Proxy({ a: 1 }, {})))).toBeUndefined()
  })

  it('survives values whose getters encode other values', () => {
    const nested = {
      first: 'x'.repeat(50),
      get inner() {
        return Buffer.from(encodeValue({ other: [1, 2, 3], text: 'y'.repeat(10_000) }, 'auto').bytes).length
      },
      last: [shared, shared],
    }
    const length = nested.inner
    expect(
      difference({ first: 'x'.repeat(50), inner: length, last: [shared, shared] }, roundTrip(nested)),
    ).toBeUndefined()
  })

  it('does not change or keep the original', () => {
    const original = { list: [1, { deep: true }] }
    const back = roundTrip(original, 'auto', true) as typeof original
    expect(Object.isFrozen(original) || Object.isFrozen(original.list)).toBe(false)
    original.list.push(2)
    expect(back.list.length).toBe(2)
  })
})

describe('frozen values', () => {
  it.each(['auto', 'json', 'msgpack', 'v8'] as const)('are deep-frozen when all of it can be (%s)', (codec) => {
    const back = roundTrip({ a: [1, { b: {} }], c: {} }, codec, true) as { a: [number, { b: object }]; c: object }
    for (const object of [back, back.a, back.a[1], back.a[1].b, back.c]) expect(Object.isFrozen(object)).toBe(true)
  })

  it('are deep-frozen with cycles, references and null prototypes', () => {
    const back = roundTrip(cyclic, 'auto', true) as { self: object; list: object[] }
    expect(Object.isFrozen(back) && Object.isFrozen(back.list) && Object.isFrozen(back.list[1])).toBe(true)
    expect(back.self).toBe(back)
    expect(Object.isFrozen(roundTrip(Object.create(null), 'auto', true))).toBe(true)
  })

  it.each(['auto', 'v8'] as const)('are fresh, unfrozen copies when anything cannot be frozen (%s)', (codec) => {
    for (const inner of [new Map(), new Set(), new Date(), /x/, new Uint8Array(1), Buffer.from('a')]) {
      const back = roundTrip({ a: { inner } }, codec, true) as { a: object }
      expect(Object.isFrozen(back)).toBe(false)
      expect(Object.isFrozen(back.a)).toBe(false)
    }
  })
})

class Point {
  x = 1
}
class Items extends Array<number> {}

const refused: [string, unknown, string][] = [
  ['undefined', undefined, 'value: it is undefined'],
  ['a function', () => 1, 'value: it is a function'],
  ['a symbol', Symbol('s'), 'value: it is a symbol'],
  ['undefined inside', { a: [1, undefined] }, 'value.a[1]: it is undefined'],
  ['a function inside', { user: { 'odd key': () => 1 } }, 'value.user["odd key"]: it is a function'],
  ['a method', { save() {} }, 'value.save: it is a function'],
  ['a symbol inside', [[Symbol('s')]], 'value[0][0]: it is a symbol'],
  ['a symbol key', { a: { [Symbol('tag')]: 1 } }, 'value.a: its property Symbol(tag)'],
  [
    'a hidden property',
    { a: Object.defineProperty({}, 'secret', { value: 1 }) },
    "value.a: its property 'secret' is not enumerable",
  ],
  ['a class instance', { p: new Point() }, 'value.p: it is an instance of Point'],
  ['a subclassed array', { p: Items.of(1) }, 'value.p: it is an instance of a subclass of Array'],
  ['a subclassed map', new (class Index extends Map {})(), 'value: it is an instance of Index'],
  ['a subclassed date', new (class Day extends Date {})(), 'value: it is an instance of Day'],
  ['a subclassed error', new (class Mine extends Error {})(), 'value: it is an instance of Mine'],
  ['a subclassed typed array', new (class Bytes extends Uint8Array {})(2), 'value: it is an instance of Bytes'],
  ['a promise', { p: Promise.resolve(1) }, 'value.p: it is a Promise'],
  ['a weak map', new WeakMap(), 'it is an instance of WeakMap'],
  ['a weak set', new WeakSet(), 'it is an instance of WeakSet'],
  ['a weak ref', new WeakRef({}), 'it is an instance of WeakRef'],
  ['a generator', (function* () {})(), 'which cannot be stored'],
  ['a boxed string', new String('a'), 'it is an instance of String'],
  ['a boxed number', [new Number(1)], 'value[0]: it is an instance of Number'],
  ['an abort signal', AbortSignal.abort(), 'it is an instance of AbortSignal'],
  ['search parameters', new URLSearchParams('a=1'), 'it is an instance of URLSearchParams'],
  ['a SharedArrayBuffer', new SharedArrayBuffer(4), 'it is a SharedArrayBuffer'],
  ['a view of one', { v: new Uint8Array(new SharedArrayBuffer(4)) }, 'value.v: it lies in a SharedArrayBuffer'],
  ['a Buffer of one', Buffer.from(new SharedArrayBuffer(4)), 'value: it lies in a SharedArrayBuffer'],
  [
    'a resizable buffer',
    new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer)(1, { maxByteLength: 8 }),
    'resizable',
  ],
  [
    'a transferred buffer',
    (() => {
      const b = new ArrayBuffer(8)
      structuredClone(b, { transfer: [b] })
      return b
    })(),
    'transferred away',
  ],
  [
    'a view of a transferred buffer',
    (() => {
      const b = Buffer.alloc(8)
      structuredClone(b.buffer, { transfer: [b.buffer] })
      return b
    })(),
    'transferred away',
  ],
  ['undefined in a map', new Map([['k', undefined]]), 'value<map value "k">: it is undefined'],
  ['a function as a map key', new Map([[() => 1, 1]]), 'value<map key of type function>'],
  ['a function in a set', new Set([5, () => 1]), 'value<set member of type function>'],
  ['a map with properties', Object.assign(new Map(), { extra: 1 }), "it is a Map with a property 'extra'"],
  ['an array with properties', Object.assign([1, 2], { extra: 1 }), "it is an array with a property 'extra'"],
  ['a long array with properties', Object.assign(new Array(100).fill(0), { extra: 1 }), "with a property 'extra'"],
  ['a match result', 'aab'.match(/a(?=b)/), "it is an array with a property 'groups'"],
  ['a buffer with properties', Object.assign(Buffer.from('abc'), { extra: 1 }), "it has a property 'extra'"],
  ['a date with properties', Object.assign(new Date(), { extra: 1 }), "it is a Date with a property 'extra'"],
  ['an error with a function', Object.assign(new Error('x'), { retry: () => 1 }), 'value.retry: it is a function'],
  [
    'too deep',
    Array.from({ length: 2000 }).reduce<unknown>((inner) => [inner], 1),
    'nested more than 1000 levels deep',
  ],
]

describe('values that are refused at once, with their path', () => {
  it.each(refused)('%s', (_, value, message) => expect(faultOf(value)).toContain(message))

  it('is as good as new after a refusal', () => {
    expect(() => encodeValue({ a: [{ b: () => 1 }] }, 'auto')).toThrow('value.a[0].b')
    expectKept({ a: [{ b: 1 }] })
  })

  it('passes on what a getter throws', () => {
    const value = {
      get broken(): number {
        throw new Error('from the getter')
      },
    }
    expect(() => encodeValue(value, 'auto')).toThrow('from the getter')
    expectKept({ a: shared, b: shared })
  })
})

describe('other codecs keep a value or refuse it', () => {
  it.each(kept)('%s', (_, value) => {
    for (const codec of ['json', 'msgpack', 'v8'] as const) {
      let encodable = true
      try {
        encodeValue(value, codec)
      } catch (error) {
        expect((error as OstrakaError).code).toBe('OSTRAKA_ERR_INVALID_VALUE')
        encodable = false
      }
      if (encodable) expectKept(value, codec)
    }
  })

  it('writes JSON and V8 records', () => {
    expect(encodeValue({ a: [1, 'x', null] }, 'json').kind).toBe(Kind.json)
    expect(Buffer.from(encodeValue({ a: [1, 'x', null] }, 'json').bytes).toString()).toBe('{"a":[1,"x",null]}')
    expect(encodeValue(new Map([[1, 2]]), 'v8').kind).toBe(Kind.v8)
    expect(faultOf({ a: [1, new Date()] }, 'json')).toContain(
      "value.a[1]: it is a Date, which the codec 'json' would not keep",
    )
    expect(faultOf({ a: -0 }, 'json')).toContain('value.a: it is -0')
    expect(faultOf({ u: new URL('http://a') }, 'v8')).toContain('value.u: it is a URL')
  })

  it('writes MessagePack records', () => {
    expect(encodeValue({ a: [1, 'x', null] }, 'msgpack').kind).toBe(Kind.msgpack)
    expect(Buffer.from(encodeValue({ a: [1, 'x', null] }, 'msgpack').bytes).toString('hex')).toBe('81a1619301a178c0')
    expectKept({ a: new Date(1.5e12), b: 2n ** 64n - 1n, c: -(2n ** 63n), d: Buffer.from('x'), e: NaN }, 'msgpack')
    const lost: [unknown, string][] = [
      [{ a: -0 }, 'value.a: it is -0'],
      [{ a: 2n ** 64n }, 'value.a: it is a bigint'],
      [{ a: new Map() }, "value.a: it is a Map, which the codec 'msgpack' would not keep"],
      [{ a: [new Set()] }, 'value.a[0]: it is a Set'],
      [{ a: new Uint8Array(1) }, 'value.a: it is a Uint8Array'],
      [{ a: '\ud800' }, 'value.a: it is text with a lone surrogate'],
      [{ a: { ['__proto__']: 1 } }, "value.a.__proto__: it is a property named '__proto__'"],
    ]
    for (const [value, message] of lost) expect(faultOf(value, 'msgpack')).toContain(message)
  })
})

describe('damaged bytes', () => {
  const value = {
    list: [1, 'two', { three: 3n }],
    when: new Date(0),
    map: new Map([[1, 'x'.repeat(300)]]),
    shared,
    again: shared,
  }

  it('never crash or hang, whatever byte is changed', () => {
    const good = Buffer.from(encodeValue(value, 'auto').bytes)
    let refusals = 0
    for (let at = 0; at < good.length; at++) {
      for (const byte of [0x00, 0x7f, 0x9f, 0xaf, 0xbf, 0xcc, 0xce, 0xcf, 0xd3, 0xd8, 0xdb, 0xff]) {
        const bad = Buffer.from(good) as RawBuffer
        bad[at] = byte
        try {
          decodeValue(Kind.own, bad, bad.length, true)
        } catch (error) {
          expect((error as OstrakaError).code).toBe('OSTRAKA_ERR_CORRUPT_VALUE')
          refusals++
        }
      }
    }
    expect(refusals).toBeGreaterThan(100)
  })

  it('are noticed when cut short', () => {
    const good = Buffer.from(encodeValue(value, 'auto').bytes) as RawBuffer
    for (let length = 0; length < good.length; length++) {
      expect(() => decodeValue(Kind.own, good, length, false)).toThrowError(
        expect.objectContaining({ code: 'OSTRAKA_ERR_CORRUPT_VALUE' }),
      )
    }
  })
})
