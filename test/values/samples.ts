// Values of every supported kind, for every way in and out. Each must come back as it went in.
export const shared = { a: 1 }
export const cyclic: Record<string, unknown> = { name: 'loop', list: [] }
cyclic['self'] = cyclic
;(cyclic['list'] as unknown[]).push(cyclic, shared, shared)
const cyclicMap = new Map<unknown, unknown>()
cyclicMap.set('me', cyclicMap).set(cyclicMap, 1)
const sparse = Object.assign(new Array<number>(5), { 0: 1, 2: 3 })
const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, i]))
export const withCause = new TypeError('outer', { cause: new RangeError('inner') })
Object.assign(withCause, { code: 'E_TEST', status: 503, details: { a: [1] } })
const reworded = new Error('x')
reworded.name = 'Custom'
reworded.message = 'y'
const messageless = new SyntaxError()
const withIndex = /a/g
withIndex.test('aa')

export const kept: [string, unknown][] = [
  [
    'numbers',
    [0, -0, 1, -1, 127, 128, -128, -129, 255, 32767, 32768, -32768, -32769, 2 ** 31 - 1, -(2 ** 31), 2 ** 31],
  ],
  ['floats', [0.1, Number.NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53, 1e21]],
  ['number', 42.5],
  ['-0', -0],
  ['NaN', Number.NaN],
  ['true', true],
  ['false', false],
  ['null', null],
  ['bigint 0', 0n],
  ['bigint', 2n ** 70n],
  ['negative bigint', -(2n ** 64n)],
  ['huge bigint', 7n ** 5000n],
  ['bigints inside', [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 10n ** 100n, -(10n ** 100n)]],
  [
    'strings',
    ['', 'a', 'héllo', '日本語のテキスト', '😀', 'a'.repeat(31), 'a'.repeat(32), 'é'.repeat(31), 'x'.repeat(300)],
  ],
  ['long strings', ['ü'.repeat(200), '語'.repeat(200), `${'a'.repeat(200)}😀`, 'a'.repeat(100_000)]],
  ['lone surrogates', ['\ud800', 'a\udfffb', `${'x'.repeat(100)}\ud800`, { '\ud800': 1, '\udc00': 2 }]],
  ['nul and controls', ['\0', 'a\0b', '\u007f', '\u0080', '\uffff']],
  ['empty object', {}],
  ['empty array', []],
  ['nested', { a: { b: [{ c: [[]] }, null, true, 'x'] }, d: 1.5 }],
  ['many keys', wide],
  [
    'odd keys',
    { '': 1, ' ': 2, 'a.b': 3, '10': 4, '-1': 5, constructor: 6, toString: 7, ключ: 8, ['k'.repeat(500)]: 9 },
  ],
  ['__proto__ key', JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')],
  ['null prototype', Object.assign(Object.create(null), { a: 1, ['__proto__']: 2 })],
  ['null prototype inside', { in: Object.assign(Object.create(null), { b: Object.create(null) }) }],
  ['long array', Array.from({ length: 1000 }, (_, i) => i * 1.5)],
  ['holes', sparse],
  ['only holes', new Array(5)],
  ['a huge sparse array', Object.assign(new Array(4_000_000_000), { 3999999999: 'end', 7: 'seven' })],
  ['shared references', { x: shared, y: shared, list: [shared, [shared]] }],
  [
    'many objects, some shared',
    [...Array.from({ length: 50 }, (_, i) => ({ i })), shared, shared, ['z']].flatMap((x) => [x, x]),
  ],
  ['cycles', cyclic],
  ['a cyclic map', cyclicMap],
  ['date', new Date('2026-11-21T12:00:00.123Z')],
  ['invalid date', new Date(Number.NaN)],
  [
    'map',
    new Map<unknown, unknown>([
      ['a', 1],
      [{ k: 1 }, [2]],
      [Number.NaN, null],
      [-5, new Map([[1, 2]])],
    ]),
  ],
  ['set', new Set<unknown>([1, 'a', { b: 1 }, new Set([2])])],
  ['regexp', [/a(?<n>b)\/\n/giu, /(?:)/, /\//, withIndex]],
  ['url', [new URL('https://user:pw@example.org:8080/p/ath?q=1#h'), new URL('data:text/plain,x')]],
  [
    'errors',
    [new Error('a'), new RangeError('b'), withCause, reworded, messageless, new AggregateError([new Error('i')], 'm')],
  ],
  [
    'error without stack',
    (() => {
      const e = new Error('bare')
      delete e.stack
      return e
    })(),
  ],
  ['buffer', Buffer.from('hello')],
  ['empty buffer', Buffer.alloc(0)],
  ['pooled buffer inside', { b: Buffer.from('pooled') }],
  [
    'typed arrays',
    [
      new Int8Array([1, -1]),
      new Uint8Array([1, 255]),
      new Uint8ClampedArray([3]),
      new Int16Array([-5]),
      new Uint16Array([65535]),
      new Int32Array([-7]),
      new Uint32Array([2 ** 32 - 1]),
      new Float32Array([1.5, -0]),
      new Float64Array([Math.PI, Number.NaN]),
      new BigInt64Array([-(2n ** 63n)]),
      new BigUint64Array([2n ** 64n - 1n]),
      new Uint8Array(0),
    ],
  ],
  ['uint8array', new Uint8Array([1, 2, 3])],
  ['a part of a typed array', new Uint16Array([1, 2, 3, 4]).subarray(1, 3)],
  ['arraybuffer', new Uint8Array([9, 8, 7]).buffer],
  ['dataview', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
  ['large bytes', { b: Buffer.alloc(3_000_000, 7) }],
  ['deep', Array.from({ length: 900 }).reduce<unknown>((inner) => ({ inner }), 'bottom')],
]
