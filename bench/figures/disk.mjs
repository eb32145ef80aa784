// The disk tier by itself, on the thread that owns it: how often a byte is written, what a key takes of memory, how soon it is warm after a restart, how long a
// read takes while the file lies in the page cache, and what compression makes of JSON.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compress } from '../../dist/tiers/compression/compression.js'
import { DiskStore } from '../../dist/tiers/disk/disk-store.js'
import { figure, median, report } from '../harness.mjs'

const folder = mkdtempSync(path.join(os.tmpdir(), 'ostraka-bench-'))
const open = (maxBytes, name) =>
  DiskStore.open({
    path: path.join(folder, name),
    maxBytes,
    flushInterval: 200,
    strict: false,
    sync: false,
    bytesPerDay: Infinity,
  })
const fields = { kind: 1, expiry: Infinity, soft: Infinity, tags: [], stamp: 0 }
const keyOf = (n) => Buffer.from(`user:${n}`)

/** Puts at the speed of the disk: what is refused because too much waits is put again. */
async function put(store, n, value) {
  for (;;) {
    const outcome = store.put(keyOf(n), { ...fields, value }, true)
    if (outcome === 'stored') return
    if (outcome !== 'busy' && outcome !== 'noRoom') throw new Error(outcome)
    await store.flush()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const total = (store, name) => store.stats().partitions.reduce((sum, { counters }) => sum + counters[name], 0)

/** Several times the size of the path, with reads of a tenth of the keys, so that some are copied on. */
async function amplification(bytes) {
  const store = await open(64 * 2 ** 20, `amplification-${bytes}`)
  const value = Buffer.from(Uint8Array.from({ length: bytes }, (_, n) => Math.imul(n + 1, 0x9e3779b1) >>> 24))
  const keys = Math.floor((200 * 2 ** 20) / (bytes + 60))
  for (let n = 0; n < keys; n++) {
    await put(store, n, value)
    if (n % 10 === 0) await store.get(keyOf(Math.max(0, n - 500)))
  }
  await store.flush()
  const written = total(store, 'bytesWritten')
  const ratio = written / total(store, 'bytesStored')
  const detail = `${(written / 2 ** 20).toFixed(0)} MiB written, ${total(store, 'reinserted')} copied on`
  await store.close()
  return figure(`written to the file, values of ${bytes} bytes`, 'records', { most: 1.15 }, ratio, { detail })
}

async function restart() {
  const keys = 1_000_000
  const value = Buffer.alloc(100, 'v')
  const first = await open(2 ** 30, 'restart')
  for (let n = 0; n < keys; n++) await put(first, n, value)
  await first.flush()
  const { partitions } = first.stats()
  const entries = partitions.reduce((sum, one) => sum + one.entries, 0)
  const memory = partitions.reduce((sum, one) => sum + one.indexBytes, 0) / entries
  const times = []
  for (let n = 0; n < 20_000; n++) {
    const key = keyOf((Math.imul(n, 0x9e3779b1) >>> 0) % keys)
    const from = performance.now()
    await first.get(key)
    times.push((performance.now() - from) * 1000)
  }
  times.sort((one, other) => one - other)
  await first.close()
  const warm = []
  for (let round = 0; round < 3; round++) {
    const from = performance.now()
    const store = await open(2 ** 30, 'restart')
    while ((await store.get(keyOf(keys - 1))) === undefined) await new Promise((resolve) => setImmediate(resolve))
    warm.push((performance.now() - from) / 1000)
    await store.close()
  }
  return [
    figure('memory of a key on disk', '–', { most: 12, unit: ' bytes' }, memory),
    figure('first hit after a restart, 1 M keys', '–', { most: 0.5, unit: ' s' }, median(warm)),
    figure('read, page cache warm, on the owner, p50', '–', { most: 40, unit: ' µs' }, times[10_000]),
    figure('… p99', '–', { most: 1000, unit: ' µs' }, times[19_800]),
  ]
}

function ratio() {
  const rows = Array.from({ length: 200 }, (_, id) => ({
    id,
    name: `user ${id}`,
    email: `user${id}@example.org`,
    roles: id % 3 === 0 ? ['admin', 'author'] : ['reader'],
    active: id % 7 !== 0,
    joined: new Date(1_600_000_000_000 + id * 86_400_000).toISOString(),
  }))
  const json = Buffer.from(JSON.stringify(rows))
  const packed = compress(json)
  const from = performance.now()
  for (let n = 0; n < 200; n++) compress(json)
  const speed = (200 * json.length) / 2 ** 20 / ((performance.now() - from) / 1000)
  return figure('LZ4 of 30 kB of JSON', 'its bytes', { least: 3 }, json.length / packed.bytes.length, {
    detail: `${speed.toFixed(0)} MiB/s`,
  })
}

try {
  report([await amplification(1000), await amplification(200), ...(await restart()), ratio()])
} finally {
  rmSync(folder, { recursive: true, force: true })
}
