// The feed of changes over all threads: who changes something writes it into a bounded ring of shared memory while anybody reads, and each reader
// goes on from where it was, in batches. Touches the ring, one timer for each reader and one for each thread that tells; none of them
// keeps a process alive.
import type { Engine } from '../engine/engine.js'
import { Counter } from '../engine/layout.js'
import { monotonicMs } from './clock.js'
import { type KeyedRecord, KeyedRing } from './keyed-ring.js'
import { Header } from './layout.js'
import type { Observed } from './observed.js'

/**
 * `set`: stored, by whatever means. `delete`: removed by a caller (deleted, taken, invalidated by key, touched with `ttl: 0`). `evict`: to make room.
 * `expire`, `invalidate`: found to be over, or to have an invalidated tag. `invalidateTag`: the tag in `key` was invalidated. `clear`: everything was.
 */
export type ChangeType = 'set' | 'delete' | 'evict' | 'expire' | 'invalidate' | 'invalidateTag' | 'clear'
export const changeTypes = [
  'set',
  'delete',
  'evict',
  'expire',
  'invalidate',
  'invalidateTag',
  'clear',
] as const satisfies readonly ChangeType[]

const Type = {
  set: 0,
  delete: 1,
  evict: 2,
  expire: 3,
  invalidate: 4,
  invalidateTag: 5,
  clear: 6,
} as const satisfies Record<ChangeType, number>

/** How often a thread that tells looks for what left by itself, in ms. */
const TELL_EVERY = 20

/** One thread's part in telling. */
export class ChangeTeller {
  readonly #engine: Engine
  readonly #observed: Observed
  readonly #ring: KeyedRing
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Engine, observed: Observed) {
    this.#engine = engine
    this.#observed = observed
    this.#ring = new KeyedRing(observed.buffer, observed.layout.changes, observed.header, Header.changes)
  }

  get ring(): KeyedRing {
    return this.#ring
  }

  /** Called on each change. An ordinary load where nobody reads. */
  tell(type: ChangeType, key: string): void {
    if (this.#observed.header[Header.changesUntil] === 0) return
    this.follow()
    // First what made room for it.
    this.#tellDepartures()
    this.#ring.put(Type[type], key, 0, 0)
  }

  /** Does as the shared memory says: watches what leaves by itself while anybody reads. */
  follow(): void {
    const until = Atomics.load(this.#observed.header, Header.changesUntil)
    const isRead = until !== 0 && until >= seconds()
    if (
      !isRead &&
      until !== 0 &&
      Atomics.compareExchange(this.#observed.header, Header.changesUntil, until, 0) === until
    ) {
      Atomics.store(this.#observed.header, Header.changeReaders, 0)
    }
    if (isRead === (this.#timer !== undefined)) return
    this.#engine.watchDepartures(isRead)
    if (this.#timer !== undefined) clearInterval(this.#timer)
    this.#timer = isRead ? setInterval(() => this.turn(), TELL_EVERY).unref() : undefined
  }

  release(): void {
    if (this.#timer !== undefined) clearInterval(this.#timer)
    this.#timer = undefined
    this.#ring.release()
  }

  /** What left by itself since the last time is told. For a thread without timers: after each round of its work. */
  turn(): void {
    if (this.#timer === undefined && this.#observed.header[Header.changesUntil] === 0) return
    this.#tellDepartures()
    this.follow()
  }

  #tellDepartures(): void {
    const left: (number | string)[] = []
    const lost = this.#engine.takeDepartures(left)
    for (let i = 0; i < left.length; i += 2) this.#ring.put(typeOf(left[i] as number), left[i + 1] as string, 0, 0)
    // What nobody can tell any more is a gap in the sequence, which every reader counts.
    if (lost > 0) Atomics.add(this.#observed.header, Header.changes, lost)
  }
}

function typeOf(counter: number): number {
  if (counter === Counter.expired) return Type.expire
  return counter === Counter.invalidated ? Type.invalidate : Type.evict
}

/** Seconds for which a reader that was not closed, because its thread died, keeps all threads telling. */
const PATIENCE = 60
/** How often a reader says that it is still there, in ms. */
const RENEW_EVERY = 5000

/** What a reader has got: records since the last time, and how many more there were that it came too late for. */
export interface ChangeRecords {
  readonly records: readonly KeyedRecord[]
  readonly lost: number
}

/** Reads from now on. While it is open every thread tells; `close` ends that. */
export class ChangeReader {
  readonly #observed: Observed
  readonly #ring: KeyedRing
  readonly #timer: NodeJS.Timeout
  #next: number
  #open = true

  constructor(observed: Observed, teller: ChangeTeller) {
    this.#observed = observed
    this.#ring = teller.ring
    this.#next = this.#ring.count
    Atomics.add(this.#observed.header, Header.changeReaders, 1)
    this.#renew()
    this.#timer = setInterval(() => this.#renew(), RENEW_EVERY).unref()
    teller.follow()
  }

  take(): ChangeRecords {
    const end = this.#ring.count
    const waiting = (end - this.#next) >>> 0
    const records: KeyedRecord[] = []
    let lost = Math.max(0, waiting - this.#ring.length)
    for (let left = waiting - lost; left > 0; left--) {
      const record = this.#ring.read((end - left) >>> 0)
      if (record === undefined) lost++
      else records.push(record)
    }
    this.#next = end
    return { records, lost }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    clearInterval(this.#timer)
    if (Atomics.sub(this.#observed.header, Header.changeReaders, 1) <= 1)
      Atomics.store(this.#observed.header, Header.changesUntil, 0)
  }

  #renew(): void {
    Atomics.store(this.#observed.header, Header.changesUntil, seconds() + PATIENCE)
    // Others may have taken it for dead while its thread was blocked.
    Atomics.compareExchange(this.#observed.header, Header.changeReaders, 0, 1)
  }
}

/** Never 0. */
function seconds(): number {
  return (Math.floor(monotonicMs() / 1000) | 0) + 1
}
