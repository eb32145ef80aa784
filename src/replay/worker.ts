// One thread of a replay: attaches to the cache by its name, claims blocks of the trace and does what they ask for.
// May touch: the cache, and its own part of the shared results.
import { parentPort, workerData } from 'node:worker_threads'
import { createCache } from '../index.js'
import { decodeKey } from '../traces/read.js'
import { Operation, type Trace } from '../traces/trace.js'
import { histogramBytes, LatencyHistogram } from './latency.js'
import {
  blockRequests,
  type FromWorker,
  latencyBytes,
  State,
  Sum,
  sumCount,
  type ToWorker,
  type WorkerTask,
} from './protocol.js'

const port = parentPort!
const task = workerData as WorkerTask
const { trace } = task
const tell = (message: FromWorker) => port.postMessage(message)

/** A value over 64 MiB is never kept; a string of 4 GiB to prove it would not even exist. */
const longestValue = 64 * 1024 * 1024 + 1

/** On average one request in so many is timed: reading a clock twice costs as much as a get. */
const sampleEvery = 32

/** Keys as strings, made before the clock starts, so that the time taken is the cache's. */
function keyStrings({ keys, keyBytes, keyOffsets }: Trace): string[] {
  const strings = new Array<string>(keys)
  for (let id = 0; id < keys; id++) strings[id] = decodeKey(keyBytes, keyOffsets[id]!, keyOffsets[id + 1]!)
  return strings
}

/** One string as long as the longest value; the others are slices of it, which copy nothing. */
function longestText(): string {
  let longest = task.valueBytes ?? 0
  if (task.valueBytes === undefined && trace.sizes) for (const size of trace.sizes) if (size > longest) longest = size
  return Buffer.alloc(Math.min(longest, longestValue), 'ostraka ').toString('latin1')
}

/** What two readings of the clock with nothing in between tell: the median of some thousand. */
function timerNanoseconds(): number {
  const histogram = new LatencyHistogram()
  for (let i = 0; i < 20_000; i++) {
    const before = performance.now()
    histogram.record((performance.now() - before) * 1e6)
  }
  return histogram.quantile(0.5)
}

function replay(cache: ReturnType<typeof createCache>, keys: readonly string[], text: string): void {
  const { ids, sizes, operations, ttls, times, requests } = trace
  const { valueBytes, thread, timeUnit } = task
  const state = new Int32Array(task.state)
  const clock = new BigInt64Array(task.clock)
  const getLatency = new LatencyHistogram(task.latencies, thread * latencyBytes)
  const setLatency = new LatencyHistogram(task.latencies, thread * latencyBytes + histogramBytes)
  const firstTime = times?.[0] ?? 0
  const fixed = valueBytes === undefined ? undefined : text

  // Requests to go until the next that is timed: a jittered stride, since a fixed one can beat with loops in the trace.
  let untilSample = 1 + Math.floor(Math.random() * sampleEvery)
  const write = (kind: number, key: string, size: number, at: number): boolean => {
    const value = fixed ?? text.slice(0, size)
    const ttl = ttls?.[at]
    const options = ttl ? { ttl: ttl * 1000 } : undefined
    return kind === Operation.add ? cache.add(key, value, options) : cache.set(key, value, options)
  }

  // In locals until the end: the loop is part of what is measured.
  let gets = 0
  let hits = 0
  let getBytes = 0
  let hitBytes = 0
  let sets = 0
  let notKept = 0
  let deletes = 0
  let wrong = 0
  for (;;) {
    const from = Atomics.add(state, State.next, 1) * blockRequests
    if (from >= requests || Atomics.load(state, State.stop) !== 0) break
    const to = Math.min(from + blockRequests, requests)

    if (timeUnit > 0 && times) {
      const target = BigInt(Math.max(0, Math.floor((times[from]! - firstTime) * timeUnit)))
      const now = Atomics.load(clock, 0)
      // Only the thread that moves the word moves the cache's clock, and by exactly that much.
      if (target > now && Atomics.compareExchange(clock, 0, now, target) === now) cache.advance(Number(target - now))
    }

    for (let at = from; at < to; at++) {
      const key = keys[ids[at]!]!
      const kind = operations === undefined ? Operation.get : operations[at]!
      const size = valueBytes ?? Math.min(sizes?.[at] ?? 0, longestValue)
      const timed = --untilSample === 0
      if (timed) untilSample = 1 + Math.floor(Math.random() * (2 * sampleEvery - 1))

      if (kind === Operation.get) {
        const before = timed ? performance.now() : 0
        const found = cache.get(key)
        if (timed) getLatency.record((performance.now() - before) * 1e6)
        gets++
        getBytes += size
        if (found !== undefined) {
          hits++
          hitBytes += size
          if (fixed !== undefined && (found as string).length !== size) wrong++
          continue
        }
        const beforeSet = timed ? performance.now() : 0
        const kept = write(Operation.set, key, size, at)
        if (timed) setLatency.record((performance.now() - beforeSet) * 1e6)
        sets++
        if (!kept) notKept++
      } else if (kind === Operation.delete) {
        deletes++
        cache.delete(key)
      } else {
        // The values of a replay are texts, so what the trace increments is set anew instead.
        const before = timed ? performance.now() : 0
        const kept = write(kind, key, size, at)
        if (timed) setLatency.record((performance.now() - before) * 1e6)
        sets++
        if (!kept && kind !== Operation.add) notKept++
      }
    }
  }
  const sums = new Float64Array(task.sums, thread * sumCount * 8, sumCount)
  const results: Record<keyof typeof Sum, number> = { gets, hits, getBytes, hitBytes, sets, notKept, deletes, wrong }
  for (const [name, value] of Object.entries(results)) sums[Sum[name as keyof typeof Sum]] = value
}

try {
  const keys = keyStrings(trace)
  const text = longestText()
  let cache: ReturnType<typeof createCache> | undefined
  port.on('message', (message: ToWorker) => {
    try {
      if (message === 'attach') {
        cache = createCache(task.cache)
        tell({ kind: 'attached', timerNanoseconds: timerNanoseconds() })
      } else if (message === 'go') {
        const started = Number(process.hrtime.bigint())
        replay(cache!, keys, text)
        tell({ kind: 'done', started, ended: Number(process.hrtime.bigint()) })
      } else {
        void cache?.close().then(() => port.close())
      }
    } catch (error) {
      fail(error)
    }
  })
  tell({ kind: 'ready' })
} catch (error) {
  fail(error)
}

function fail(error: unknown): void {
  const { code, message } = error as { code?: unknown; message?: unknown }
  tell({ kind: 'failed', code: typeof code === 'string' ? code : undefined, message: String(message ?? error) })
}
