// The sampler of a cache: samples of everything, in three rings of shared memory that any thread reads. Each thread that knows of it has a timer; at
// each tick one of them, whoever comes first, takes the sample for all, so that no thread's death ends it. Touches the rings, one timer
// that keeps no process alive, and the engine's counters, reading.
import { getHeapStatistics } from 'node:v8'
import type { Engine } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import { durationHint, parseDuration } from '../options/units.js'
import { show } from '../options/validate.js'
import { monotonicMs, wallClockOffset } from './clock.js'
import { Header, type Ring, SAMPLE_BYTES, SAMPLE_FIELDS } from './layout.js'
import type { Observed } from './observed.js'
import { between, type RawSample, type Sample, sampleFields, type Trend, trendOf, valuesOf } from './samples.js'

/** Which ring: of the sample interval (one second unless set otherwise), of minutes, of five minutes. */
export type Scale = 'interval' | 'minute' | 'five minutes'

const scales = ['interval', 'minute', 'five minutes'] as const satisfies readonly Scale[]
const MINUTE = 60_000
const DEFAULT_INTERVAL = 1000
const LEAST_INTERVAL = 100
const Field = { sequence: 0, at: 1, values: 2 } as const

export class Sampler {
  readonly #engine: Engine
  readonly #observed: Observed
  readonly #words: Float64Array[]
  #timer: NodeJS.Timeout | undefined
  #timerInterval = 0

  /** Not for users: `cache.sampler` is one. */
  constructor(engine: Engine, observed: Observed) {
    this.#engine = engine
    this.#observed = observed
    this.#words = observed.layout.rings.map(({ at, length }) => {
      return new Float64Array(observed.buffer, at, length * SAMPLE_FIELDS)
    })
  }

  /** Whether samples are taken at intervals, by whichever thread is there. Off at first. */
  get enabled(): boolean {
    return Atomics.load(this.#observed.header, Header.sampling) === 1
  }

  /** For all threads. */
  set enabled(enabled: boolean) {
    Atomics.store(this.#observed.header, Header.sampling, enabled ? 1 : 0)
    this.follow()
    if (enabled) this.#tick()
  }

  /** Milliseconds between two samples of the finest ring. */
  get sampleInterval(): number {
    return Atomics.load(this.#observed.header, Header.sampleInterval) || DEFAULT_INTERVAL
  }

  /** A duration from 100 ms to a minute; for all threads, from their next sample on. Throws OSTRAKA_ERR_INVALID_ARGUMENT. */
  set sampleInterval(interval: number | string) {
    const milliseconds = parseDuration(interval)
    if (milliseconds === undefined || milliseconds < LEAST_INTERVAL || milliseconds > MINUTE) {
      const message = `sampleInterval is from 100 ms to a minute, got ${show(interval)}; use ${durationHint}`
      throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', message)
    }
    Atomics.store(this.#observed.header, Header.sampleInterval, Math.round(milliseconds))
    this.follow()
  }

  /** Samples that a ring holds at most: 300 of the interval, 180 minutes and 288 times five in a cache of 64 MiB or more. */
  windowSize(scale: Scale = 'interval'): number {
    return this.#ring(scale).length
  }

  /** Takes a sample now, whether or not it is enabled, and returns what came since the one before; undefined for the first. */
  sample(): Sample | undefined {
    this.#put(0, this.#measure())
    return this.latest()
  }

  /** What came between the last two samples. */
  latest(): Sample | undefined {
    return this.window(1)[0]
  }

  /** The last `count` samples of a ring, the newest last; fewer where there are not so many yet. */
  window(count = Infinity, scale: Scale = 'interval'): Sample[] {
    const ring = scales.indexOf(scale)
    if (ring < 0) throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', `a scale is ${scales.map(show).join(' or ')}`)
    this.follow()
    const raw = this.#read(ring, count + 1)
    const interval = this.#spanOf(ring)
    return raw.slice(1).map((after, index) => between(raw[index] as RawSample, after, interval, wallClockOffset))
  }

  /** Where one of the values of samples is going, over the last `count` of them. */
  trend(value: (sample: Sample) => number, count = 30, scale: Scale = 'interval'): Trend {
    const samples = this.window(count, scale)
    const [first] = samples
    return trendOf(samples.map((one) => ({ seconds: (one.at - (first?.at ?? 0)) / 1000, value: value(one) })))
  }

  /** Does as the shared memory says: has a timer if it is enabled. */
  follow(): void {
    const interval = this.enabled ? this.sampleInterval : 0
    if (interval === this.#timerInterval) return
    if (this.#timer !== undefined) clearInterval(this.#timer)
    this.#timer = undefined
    this.#timerInterval = interval
    if (interval > 0) this.#timer = setInterval(() => this.#tick(), interval).unref()
  }

  /** The thread's last handle is closed. */
  release(): void {
    if (this.#timer !== undefined) clearInterval(this.#timer)
    this.#timer = undefined
    this.#timerInterval = 0
    this.#words.length = 0
  }

  #tick(): void {
    this.follow()
    if (this.#timer === undefined) return
    let measured: RawSample | undefined
    for (let ring = 0; ring < this.#words.length; ring++) {
      if (!this.#claim(ring)) continue
      measured ??= this.#measure()
      this.#put(ring, measured)
    }
  }

  /** True in one thread for each interval of the ring. */
  #claim(ring: number): boolean {
    const now = Math.floor(monotonicMs()) | 1
    const { header } = this.#observed
    const last = Atomics.load(header, Header.sampledAt + ring)
    // Timers come a little early at times, and those of several threads at several times.
    if (last !== 0 && ((now - last) | 0) < this.#spanOf(ring) - this.#spanOf(0) / 4) return false
    return Atomics.compareExchange(header, Header.sampledAt + ring, last, now) === last
  }

  #spanOf(ring: number): number {
    return [this.sampleInterval, MINUTE, 5 * MINUTE][ring] as number
  }

  #measure(): RawSample {
    const { user, system } = process.cpuUsage()
    // Each by itself: what tells both looks at more, and costs ten times as much.
    const rssBytes = process.memoryUsage.rss()
    const use = { cpuMs: (user + system) / 1000, rssBytes, heapBytes: getHeapStatistics().used_heap_size }
    const totals = this.#observed.totals(this.#engine)
    const values = valuesOf(totals, this.#observed.occupancy(), this.#engine.size, use)
    return { at: monotonicMs(), values }
  }

  /** A place is taken first and said to be whole last: who is interrupted in between leaves one that nobody believes. */
  #put(ring: number, { at, values }: RawSample): void {
    const words = this.#words[ring] as Float64Array
    const { header } = this.#observed
    const sequence = Atomics.add(header, Header.rings + ring, 1) >>> 0
    const row = (sequence % (words.length / SAMPLE_FIELDS)) * SAMPLE_FIELDS
    words[row + Field.sequence] = 0
    Atomics.load(header, Header.rings + ring)
    words[row + Field.at] = at
    words.set(values, row + Field.values)
    Atomics.store(header, Header.sampled, sequence)
    words[row + Field.sequence] = sequence + 1
  }

  #read(ring: number, count: number): RawSample[] {
    const words = this.#words[ring] as Float64Array
    const { header } = this.#observed
    const length = words.length / SAMPLE_FIELDS
    const end = Atomics.load(header, Header.rings + ring) >>> 0
    const read: RawSample[] = []
    for (let sequence = Math.max(0, end - Math.min(count, length)); sequence < end; sequence++) {
      const row = (sequence % length) * SAMPLE_FIELDS
      const at = words[row + Field.at] as number
      const values = words.slice(row + Field.values, row + Field.values + sampleFields.length)
      Atomics.load(header, Header.rings + ring)
      if (words[row + Field.sequence] === sequence + 1) read.push({ at, values })
    }
    return read
  }

  #ring(scale: Scale): Ring {
    return this.#observed.layout.rings[scales.indexOf(scale)] as Ring
  }
}

/** A sample with its sequence and time has to fit its place. */
if ((sampleFields.length + Field.values) * 8 > SAMPLE_BYTES) throw new RangeError('samples do not fit')
