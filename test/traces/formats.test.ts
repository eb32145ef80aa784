// Each trace format, compressed or not, as requests and as the compact form; what is broken is named with its place.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { loadTrace } from '../../src/traces/load.js'
import { decodeKey } from '../../src/traces/read.js'
import type { Trace } from '../../src/traces/trace.js'
import { faultOf, keysOf, oracleRecord, requestsOf, temporaryFolder } from './fixtures.js'

const folder = temporaryFolder()
afterAll(() => folder.remove())

const keysOfTrace = ({ ids, keyBytes, keyOffsets }: Trace) =>
  [...ids].map((id) => decodeKey(keyBytes, keyOffsets[id]!, keyOffsets[id + 1]!))

describe('ARC', () => {
  test('a line asks for a run of blocks, carries included', async () => {
    const file = folder.write('runs.lis', '9 3 0 0\n99 2 0 1\n\n0 1 0 2\n9007199254740000 1 0 3')
    expect(keysOf(await requestsOf(file))).toEqual(['9', '10', '11', '99', '100', '0', '9007199254740000'])
  })

  test('a run longer than what is handed on at once goes on where it stopped', async () => {
    const file = folder.write('long.lis', '95 10000 0 0\n7 1 0 1\n')
    const keys = keysOf(await requestsOf(file))
    expect(keys).toHaveLength(10_001)
    expect(keys.slice(0, 10_000)).toEqual(Array.from({ length: 10_000 }, (_, i) => String(95 + i)))
    expect(keys[10_000]).toBe('7')
  })

  test.each([
    ['1 2 3', 'line 2: has 3 fields'],
    ['1 2 3 4 5', 'line 2: has more than the 4 fields'],
    ['1 x 0 0', 'line 2: the count is no unsigned number: "x"'],
    ['1 0 0 0', 'line 2: the count is 0'],
    ['1 99999999 0 0', 'line 2: the count is 99999999'],
    ['-1 1 0 0', 'line 2: the start is no unsigned number: "-1"'],
    ['9007199254740991 2 0 0', 'line 2: the last block number is over 2^53'],
  ])('refuses %j', async (line, message) => {
    const file = folder.write('broken.lis', `1 1 0 0\n${line}\n`)
    const fault = await faultOf(requestsOf(file))
    expect(fault.code).toBe('OSTRAKA_ERR_TRACE_MALFORMED')
    expect(fault.message).toContain(`broken.lis: ${message}`)
  })
})

describe('csv', () => {
  test.each([
    ['key', 'a\nb\na\n', ['a', 'b', 'a'], [0, 0, 0]],
    ['key with header and CRLF', 'key\r\na\r\nb\r\n', ['a', 'b'], [0, 0]],
    ['byte order mark before the header', '\uFEFFkey\na\n', ['a'], [0]],
    ['time,key', '1,a\n2.5,b\n', ['a', 'b'], [0, 0]],
    ['time,key,size with header', 'time,key,size\n1,a,10\n2,b,4096\n', ['a', 'b'], [10, 4096]],
    ['columns in another order', 'obj_size,tenant,obj_id,timestamp\n7,x,k1,3\n', ['k1'], [7]],
    ['quotes', 'key,size\n"a,""b""",1\n"c",2\n', ['a,"b"', 'c'], [1, 2]],
    ['negative numbers and other texts as keys', 'key\n-268435455\nünïcode\n', ['-268435455', 'ünïcode'], [0, 0]],
  ])('%s', async (_, text, keys, sizes) => {
    const requests = await requestsOf(folder.write('some.csv', text))
    expect(keysOf(requests)).toEqual(keys)
    expect(requests.map(({ size }) => size)).toEqual(sizes)
  })

  test('times and ttls', async () => {
    const requests = await requestsOf(folder.write('ttl.csv', 'time,key,ttl\n10,a,300\n11.5,b,0\n'))
    expect(requests.map(({ time, ttl }) => [time, ttl])).toEqual([
      [10, 300],
      [11.5, 0],
    ])
  })

  test.each([
    ['1,a\nx,b\n', 'line 2: the time is no number: "x"'],
    ['1,a\n2\n', 'line 2: has 1 columns, and the first line has 2'],
    ['a,b,c,d\n', 'line 1: has 4 columns and no header'],
    ['1,a,10\n2,b,-1\n', 'line 2: the size is not a whole number'],
    ['1,a,10\n2,b,4294967296\n', 'line 2: the size is not a whole number'],
    ['1,a\n2,\n', 'line 2: the key is empty'],
    ['key\n""\n', 'line 2: the key is empty'],
    ['key\n"a\n', 'line 2: a quoted field does not end on its line'],
    ['key\n"a"b\n', 'line 2: something follows a closing quote'],
    [Buffer.from([107, 10, 0xff, 0xfe, 10]), 'line 2: the key is not UTF-8'],
    [`key\n${'k'.repeat(65_536)}\n`, 'line 2: the key has 65536 bytes'],
    [`key\n${'k'.repeat(600_000)}\n`, 'line 2: is longer than'],
    ['time,count\n1,2\n', 'line 1: the time is no number: "time"'],
    [`${','.repeat(100)}\n`, 'line 1: has more than 64 columns'],
  ])('refuses %j', async (text, message) => {
    const fault = await faultOf(requestsOf(folder.write('broken.csv', text)))
    expect(fault.code).toBe('OSTRAKA_ERR_TRACE_MALFORMED')
    expect(fault.message).toContain(`broken.csv: ${message}`)
  })
})

describe('Twitter', () => {
  const text = [
    '0,nz:u:eeW5,10,200,12,get,0',
    '0,nz:u:eeW5,10,200,12,set,86400',
    '1,a,b,with,commas,16,50,1,gets,0',
    '2,k,1,0,1,delete,0',
    '3,k,1,8,1,incr,0',
    '3,k,1,8,1,add,60',
    '4,k,1,8,1,cas,60',
  ].join('\n')

  test('keys, operations, sizes and times to live', async () => {
    const requests = await requestsOf(folder.write('cluster.csv', text))
    expect(requests).toEqual([
      { key: 'nz:u:eeW5', operation: 'get', size: 200, ttl: 0, time: 0 },
      { key: 'nz:u:eeW5', operation: 'set', size: 200, ttl: 86_400, time: 0 },
      { key: 'a,b,with,commas', operation: 'get', size: 50, ttl: 0, time: 1 },
      { key: 'k', operation: 'delete', size: 0, ttl: 0, time: 2 },
      { key: 'k', operation: 'increment', size: 8, ttl: 0, time: 3 },
      { key: 'k', operation: 'add', size: 8, ttl: 60, time: 3 },
      { key: 'k', operation: 'set', size: 8, ttl: 60, time: 4 },
    ])
  })

  test.each([
    ['0,k,1,2,3,get', 'line 2: has 6 columns'],
    ['0,k,1', 'line 2: has 3 columns'],
    ['x,k,1,2,3,get,0', 'line 2: the timestamp is no unsigned number: "x"'],
    ['0,,1,2,3,get,0', 'line 2: the key is empty'],
    ['0,k,1,2,3,fetch,0', 'line 2: unknown operation "fetch"'],
    ['0,k,1,2.5,3,get,0', 'line 2: the value size is no unsigned 32-bit number: "2.5"'],
    ['0,k,1,2,3,get,4294967296', 'line 2: the TTL is no unsigned 32-bit number'],
  ])('refuses %j', async (line, message) => {
    const fault = await faultOf(requestsOf(folder.write('broken.csv', `0,k,1,2,3,get,0\n${line}\n`), 'twitter'))
    expect(fault.code).toBe('OSTRAKA_ERR_TRACE_MALFORMED')
    expect(fault.message).toContain(message)
  })
})

describe('oracleGeneral', () => {
  test('ids of 64 bits as decimal keys', async () => {
    const ids = [0n, 7n, 4_294_967_295n, 4_294_967_296n, 9_007_199_254_740_993n, 18_446_744_073_709_551_615n]
    const records = ids.map((id, i) => oracleRecord(100 + i, id, i * 1000))
    const requests = await requestsOf(folder.write('ids.oracleGeneral', Buffer.concat(records)))
    expect(keysOf(requests)).toEqual(ids.map(String))
    expect(requests.map(({ time, size }) => [time, size])).toEqual(ids.map((_, i) => [100 + i, i * 1000]))
  })

  test('more records than fit one piece', async () => {
    const records = Array.from({ length: 30_000 }, (_, i) => oracleRecord(i, BigInt(i % 1000), 1))
    const trace = await loadTrace(folder.write('many.oracleGeneral.bin', Buffer.concat(records)))
    expect([trace.requests, trace.keys]).toEqual([30_000, 1000])
  })

  test('refuses half a record', async () => {
    const file = folder.write(
      'half.bin',
      Buffer.concat([oracleRecord(1, 1n, 1), oracleRecord(1, 2n, 1).subarray(0, 9)]),
    )
    const fault = await faultOf(requestsOf(file))
    expect(fault.code).toBe('OSTRAKA_ERR_TRACE_MALFORMED')
    expect(fault.message).toContain('half.bin: byte 33: the file ends after 9 of the 24 bytes')
  })
})

describe('compression', () => {
  const text = Array.from({ length: 50_000 }, (_, i) => `${i},key-${(i * 7919) % 5000},${i % 100}`).join('\n')
  const expected = async () => requestsOf(folder.write('plain.csv', text))

  test('gzip, whatever the name says about it', async () => {
    const plain = await expected()
    expect(await requestsOf(folder.write('zipped.csv.gz', gzipSync(text)))).toEqual(plain)
    expect(await requestsOf(folder.write('zipped-without-ending.csv', gzipSync(text)))).toEqual(plain)
  })

  test('several gzip members in one file', async () => {
    const half = text.indexOf('\n', text.length / 2) + 1
    const members = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))])
    expect(await requestsOf(folder.write('members.csv.gz', members))).toEqual(await expected())
  })

  test('Zstandard', async () => {
    // Made by `seq -f 'key-%g' 0 19999 | sed 1ikey | zstd -19`: 188,894 bytes, more than one block.
    const fixture = readFileSync(new URL('keys.csv.zst', import.meta.url))
    const requests = await requestsOf(folder.write('keys.csv.zst', fixture))
    expect(keysOf(requests)).toEqual(Array.from({ length: 20_000 }, (_, i) => `key-${i}`))
  })

  test.each(['gz', 'zst'])('a .%s that was cut', async (ending) => {
    const whole = ending === 'gz' ? gzipSync(text) : readFileSync(new URL('keys.csv.zst', import.meta.url))
    for (const length of [5, 20, Math.floor(whole.length / 2), whole.length - 1]) {
      const fault = await faultOf(requestsOf(folder.write(`cut.csv.${ending}`, whole.subarray(0, length))))
      expect(fault.code).toBe('OSTRAKA_ERR_TRACE_UNREADABLE')
    }
  })

  test('a name that promises what the content is not', async () => {
    expect((await faultOf(requestsOf(folder.write('no.csv.gz', text)))).message).toContain('begin like a gzip file')
    expect((await faultOf(requestsOf(folder.write('no.csv.zst', text)))).message).toContain('begin like a Zstandard')
  })

  test('a Zstandard window that would fill the memory', async () => {
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0, 0, 0])
    const fault = await faultOf(requestsOf(folder.write('window.csv.zst', header)))
    expect(fault.message).toContain('window of more than 128 MiB')
  })
})

describe('files', () => {
  test.each([
    ['missing', 'there is no such file'],
    ['.', 'it is a folder'],
  ])('%s', async (name, message) => {
    const fault = await faultOf(requestsOf(name === '.' ? '.' : `/nowhere/${name}`))
    expect(fault.code).toBe('OSTRAKA_ERR_TRACE_UNREADABLE')
    expect(fault.message).toContain(message)
  })

  test('empty, and without a request', async () => {
    expect((await faultOf(loadTrace(folder.write('empty.csv', '')))).message).toContain('it is empty')
    expect((await faultOf(loadTrace(folder.write('header.csv', 'key\n')))).message).toContain('it holds no requests')
  })

  test('binary that no name explains', async () => {
    const file = folder.write('unknown', Buffer.concat([oracleRecord(1, 5n, 9)]))
    const fault = await faultOf(requestsOf(file))
    expect(fault.message).toContain('--format')
    expect(keysOf(await requestsOf(file, 'oracle-general'))).toEqual(['5'])
  })

  test('content tells the format where the name does not', async () => {
    expect((await loadTrace(folder.write('blocks', '1 2 0 0\n'))).format).toBe('arc')
    expect((await loadTrace(folder.write('words', 'x\ny\n'))).format).toBe('csv')
    expect((await loadTrace(folder.write('tw', '0,k,1,2,3,get,0\n'))).format).toBe('twitter')
  })
})

describe('the compact form', () => {
  test('holds the same requests as the stream', async () => {
    const text = Array.from({ length: 60_000 }, (_, i) => `${i},key-${(i * 7919) % 40_000},${i % 3}`).join('\n')
    const file = folder.write('compact.csv', text)
    const requests = await requestsOf(file)
    const trace = await loadTrace(file, { keepTimes: true })
    expect(trace.keys).toBe(40_000)
    expect(keysOfTrace(trace)).toEqual(keysOf(requests))
    expect([...trace.sizes!]).toEqual(requests.map(({ size }) => size))
    expect([...trace.times!]).toEqual(requests.map(({ time }) => time))
    expect([trace.operations, trace.ttls]).toEqual([undefined, undefined])
    expect(trace.ids.buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  test('stops at a limit, in the middle of a run too', async () => {
    const file = folder.write('limited.lis', '1 10 0 0\nthis line is broken\n')
    const trace = await loadTrace(file, { limit: 4 })
    expect([trace.requests, trace.keys]).toEqual([4, 4])
    expect(keysOfTrace(trace)).toEqual(['1', '2', '3', '4'])
  })

  test('keys that begin alike stay apart', async () => {
    const keys = ['a', 'aa', 'aaa', 'ab', 'b', 'ba', 'é', 'e\u0301']
    const trace = await loadTrace(folder.write('alike.csv', `key\n${[...keys, ...keys].join('\n')}\n`))
    expect(trace.keys).toBe(keys.length)
    expect(keysOfTrace(trace)).toEqual([...keys, ...keys])
  })
})
