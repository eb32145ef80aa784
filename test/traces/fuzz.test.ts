// Whatever bytes a trace file holds: its requests, or an OstrakaError; never another error, never an endless read.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { OstrakaError } from '../../src/errors.js'
import { parserFor } from '../../src/traces/detect.js'
import { loadTrace } from '../../src/traces/load.js'
import { type RequestSink, type TraceFormat, traceFormats } from '../../src/traces/trace.js'
import { oracleRecord, temporaryFolder } from './fixtures.js'

const folder = temporaryFolder()
afterAll(() => folder.remove())

async function loads(name: string, bytes: Uint8Array, format?: TraceFormat): Promise<void> {
  try {
    const trace = await loadTrace(folder.write(name, bytes), { format })
    expect(trace.requests).toBe(trace.ids.length)
    expect(Math.max(...trace.ids.subarray(0, 1000))).toBeLessThan(trace.keys)
  } catch (error) {
    if (!(error instanceof OstrakaError)) throw error
    expect(error.message).toContain(name)
  }
}

const bytes = fc.uint8Array({ maxLength: 2000 })
const names = fc.constantFrom('a.lis', 'a.csv', 'a.bin', 'a.oracleGeneral', 'a', 'a.csv.gz', 'a.csv.zst', 'a.zst')

test('random bytes under any name and format', async () => {
  await fc.assert(
    fc.asyncProperty(names, bytes, fc.option(fc.constantFrom(...traceFormats), { nil: undefined }), loads),
    { numRuns: 500 },
  )
})

test('bytes behind the marks of compressed files', async () => {
  const marks = fc.constantFrom([0x1f, 0x8b], [0x1f, 0x8b, 8, 0], [0x28, 0xb5, 0x2f, 0xfd], [0x50, 0x2a, 0x4d, 0x18])
  await fc.assert(
    fc.asyncProperty(marks, bytes, async (mark, rest) => loads('marked', Buffer.from([...mark, ...rest]))),
    { numRuns: 500 },
  )
})

test('good files with some bytes changed', async () => {
  const good: readonly (readonly [string, Buffer])[] = [
    ['b.lis', Buffer.from('1 3 0 0\n5 1 0 1\n'.repeat(20))],
    ['b.csv', Buffer.from(`time,key,size\n${'1,"a,b",10\n2,cd,20\n'.repeat(20)}`)],
    ['t.csv', Buffer.from('0,k,1,2,3,get,0\n1,l,1,2,3,set,60\n'.repeat(20))],
    ['b.oracleGeneral', Buffer.concat(Array.from({ length: 20 }, (_, i) => oracleRecord(i, BigInt(i), i)))],
    ['b.csv.gz', gzipSync('key\n1\n2\n3\n'.repeat(50))],
  ]
  const change = fc.tuple(fc.nat(), fc.nat(255))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...good), fc.array(change, { maxLength: 8 }), async ([name, content], changes) => {
      const changed = Buffer.from(content)
      for (const [at, byte] of changes) changed[at % changed.length] = byte
      await loads(name, changed)
    }),
    { numRuns: 500 },
  )
})

test('where the bytes are cut into pieces, and where the reader pauses, changes nothing', () => {
  const texts: readonly (readonly [TraceFormat, Buffer])[] = [
    ['arc', Buffer.from('9 12 0 0\n5 1 0 1\r\n\n99 3 0 2')],
    ['csv', Buffer.from('time,key,size\n1,"a,""b",10\r\n2,çd,20\n3,e,0')],
    ['twitter', Buffer.from('0,k,x,1,2,3,get,0\n1,l,1,2,3,set,60\n')],
    ['oracle-general', Buffer.concat([oracleRecord(1, 2n ** 63n, 5), oracleRecord(2, 3n, 6)])],
  ]
  const collect = (format: TraceFormat, pieces: readonly Uint8Array[], pauses: readonly boolean[]) => {
    const seen: unknown[] = []
    const sink: RequestSink = {
      request(from, start, end, ...rest) {
        seen.push([Buffer.from(from.subarray(start, end)).toString(), ...rest])
        return pauses[seen.length % Math.max(1, pauses.length)] !== true
      },
    }
    const parser = parserFor(format, 'file')
    for (const piece of pieces) {
      parser.feed(piece)
      while (!parser.read(sink));
    }
    while (!parser.end(sink));
    return seen
  }
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(fc.nat(80), { maxLength: 10 }),
      fc.array(fc.boolean(), { maxLength: 5 }),
      ([format, content], cuts, pauses) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, content.length)).sort((a, b) => a - b), content.length]
        const pieces = places.slice(1).map((place, i) => content.subarray(places[i]!, place))
        expect(collect(format, pieces, pauses)).toEqual(collect(format, [content], []))
      },
    ),
  )
})

test('pairs of keys written as csv come back as they were', async () => {
  const key = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
    .filter((text) => !/[\r\n]/.test(text) && !text.startsWith('\uFEFF'))
  await fc.assert(
    fc.asyncProperty(fc.array(key, { minLength: 1, maxLength: 30 }), async (keys) => {
      const text = keys.map((each) => `"${each.replaceAll('"', '""')}"`).join('\n')
      const trace = await loadTrace(folder.write('keys.csv', `key\n${text}\n`))
      expect(trace.keys).toBe(new Set(keys).size)
      expect(trace.requests).toBe(keys.length)
    }),
    { numRuns: 200 },
  )
})
