// Encoders of structured values against each other: write, read, read frozen, bytes; over values of several kinds. Each encoder first has
// to bring the value back as it went in; what it loses is printed instead of a time.
//   node bench/values.mjs [--json FILE] [--rounds N]
import { writeFileSync } from 'node:fs'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import v8 from 'node:v8'
import { Encoder } from 'cbor-x'
import { Packr } from 'msgpackr'
import { decodeValue } from '../dist/values/decode.js'
import { encodeValue } from '../dist/values/encode.js'

const { values: options } = parseArgs({
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '7' } },
})
const rounds = Number(options.rounds)

const user = (i) => ({
  id: 4217 + i,
  name: 'Ada Lovelace',
  email: `ada${i}@example.org`,
  roles: ['admin', 'user'],
  active: true,
  score: 12.5,
})
const shared = { theme: 'dark' }
const samples = {
  'small object': user(0),
  'list of 50 records': {
    page: 1,
    items: Array.from({ length: 50 }, (_, i) => ({
      id: i,
      title: `Item number ${i}`,
      price: i * 1.25,
      tags: ['a', `b${i}`],
    })),
  },
  'text, 4 kB': { title: 'Ostraka', body: 'Lorem ipsum dolor sit amet, '.repeat(150) },
  'text of many scripts': { title: 'Όστρακα', body: 'Ζεῦ πάτερ, σὺ μὲν οὐρανοῦ 日本語 '.repeat(40) },
  '1,000 numbers': Array.from({ length: 1000 }, (_, i) => i * 1.5),
  'dates, maps, sets': {
    at: new Date(0),
    by: new Map([
      ['a', 1],
      ['b', 2],
    ]),
    of: new Set([1, 2, 3]),
  },
  'bytes, 16 kB': { name: 'image', bytes: Buffer.alloc(16_384, 7) },
  'shared references': { first: shared, second: shared, list: [shared] },
  '−0, NaN, bigint': { zero: -0, none: Number.NaN, big: 2n ** 70n },
}

const packr = new Packr({ useRecords: false, structuredClone: true })
const cbor = new Encoder({ useRecords: false, structuredClone: true, tagUint8Array: true })
const scratch = Buffer.allocUnsafeSlow(1 << 22)
const decoders = { own: (bytes) => decodeValue(bytes.kind, bytes.buffer, bytes.length, false) }

/** Each leaves its bytes where its reader finds them, as a cache would: in memory that is used again. */
const encoders = {
  ostraka: {
    write(value) {
      const { kind, bytes } = encodeValue(value, 'auto')
      scratch.set(bytes)
      return { kind, buffer: scratch, length: bytes.length }
    },
    read: decoders.own,
    frozen: (bytes) => decodeValue(bytes.kind, bytes.buffer, bytes.length, true),
  },
  JSON: {
    write: (value) => ({ length: scratch.utf8Write(JSON.stringify(value), 0) }),
    read: ({ length }) => JSON.parse(scratch.utf8Slice(0, length)),
  },
  v8: {
    write: (value) => {
      const bytes = v8.serialize(value)
      scratch.set(bytes)
      return { length: bytes.length, bytes }
    },
    read: ({ bytes }) => v8.deserialize(bytes),
  },
  msgpackr: {
    write: (value) => {
      const bytes = packr.pack(value)
      scratch.set(bytes)
      return { length: bytes.length }
    },
    read: ({ length }) => packr.unpack(scratch, length),
  },
  'cbor-x': {
    write: (value) => {
      const bytes = cbor.encode(value)
      scratch.set(bytes)
      return { length: bytes.length, bytes: Buffer.from(bytes) }
    },
    read: ({ bytes }) => cbor.decode(bytes),
  },
}

let sink = 0

// Processor time, not the clock on the wall: other processes on a shared machine would count as ours.
function time(work, operations) {
  const start = process.cpuUsage()
  for (let i = 0; i < operations; i++) sink += work() === undefined ? 1 : 0
  const { user, system } = process.cpuUsage(start)
  return ((user + system) * 1000) / operations
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]

function keeps(encoder, value) {
  try {
    const back = encoder.read(encoder.write(value))
    if (!isDeepStrictEqual(back, value)) return false
    return !(value.first && value.first === value.second) || back.first === back.second
  } catch {
    return false
  }
}

const rows = []
for (const [sample, value] of Object.entries(samples)) {
  const taking = Object.entries(encoders).filter(([, encoder]) => keeps(encoder, value))
  const results = new Map(taking.map(([name]) => [name, { write: [], read: [], frozen: [] }]))
  const operations = Math.max(50, Math.min(50_000, Math.round(4_000_000 / (v8.serialize(value).length * 10 + 500))))
  // By turns, so that what disturbs the machine strikes all alike.
  for (let round = 0; round < rounds + 2; round++) {
    for (const [name, encoder] of taking) {
      const written = encoder.write(value)
      const result = results.get(name)
      const write = time(() => encoder.write(value), operations)
      encoder.write(value)
      const read = time(() => encoder.read(written), operations)
      const frozen = encoder.frozen ? time(() => encoder.frozen(written), operations) : Number.NaN
      if (round < 2) continue
      result.write.push(write)
      result.read.push(read)
      result.frozen.push(frozen)
    }
  }
  for (const name of Object.keys(encoders)) {
    const result = results.get(name)
    const bytes = result && encoders[name].write(value).length
    rows.push(
      result
        ? {
            sample,
            encoder: name,
            writeNs: median(result.write),
            readNs: median(result.read),
            frozenNs: median(result.frozen),
            bytes,
          }
        : { sample, encoder: name, lost: true },
    )
  }
}

const cell = (text, width) => String(text).padStart(width)
console.log(
  `${'value'.padEnd(22)} ${'encoder'.padEnd(9)} ${cell('write ns', 9)} ${cell('read ns', 9)} ${cell('frozen', 9)} ${cell('bytes', 7)}`,
)
for (const row of rows) {
  const figures = row.lost
    ? cell('does not come back as it went in', 37)
    : [row.writeNs, row.readNs, row.frozenNs].map((ns) => cell(Number.isNaN(ns) ? '' : ns.toFixed(0), 9)).join(' ') +
      cell(row.bytes, 8)
  console.log(`${row.sample.padEnd(22)} ${row.encoder.padEnd(9)} ${figures}`)
}
if (options.json)
  writeFileSync(options.json, `${JSON.stringify({ node: process.version, rounds, rows, sink }, null, 2)}\n`)
