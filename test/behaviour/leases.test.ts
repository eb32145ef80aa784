// Leases, outcomes and soft expiry at the level of the engines: each alone, and both by turns over one memory.
import { expect, it } from 'vitest'
import { createRegions } from '../../src/engine/create.js'
import {
  Acquired,
  type Engine,
  type EntryFields,
  Found,
  FoundState,
  Kind,
  Lease,
  Meta,
  MetaFlag,
  Mode,
  OUTCOME_MS,
  Status,
} from '../../src/engine/engine.js'
import { Counter, LEASES } from '../../src/engine/layout.js'
import { suite } from './suite.js'

const { waitAsync } = Atomics as unknown as {
  waitAsync(words: Int32Array, at: number, value: number, timeout: number): { async: boolean; value: Promise<string> }
}

const MIB = 2 ** 20
const TIMEOUT = 30_000

const plain: EntryFields = {
  ttl: -1,
  idle: -1,
  soft: -1,
  cost: -1,
  stamp: 0,
  tags: new Uint32Array(0),
  lease: 0,
}

const fill = (engine: Engine, key: string, token: number, value = 'loaded', more: Partial<EntryFields> = {}) =>
  engine.writeEntry(key, value, 0, Mode.fill, { ...plain, stamp: engine.tagStamp(), lease: token, ...more })

const put = (engine: Engine, key: string, value: string, more: Partial<EntryFields> = {}) =>
  engine.writeEntry(key, value, 0, Mode.set, { ...plain, stamp: engine.tagStamp(), ...more })

const set = (engine: Engine, key: string, value: string, ttl = -1) => engine.writeString(key, value, Mode.set, ttl, -1)

const keysOf = (engine: Engine) => {
  const keys: string[] = []
  for (let cursor = engine.scan(0, 100, '', keys); cursor !== 0; ) cursor = engine.scan(cursor, 100, '', keys)
  return keys.sort()
}

suite('leases', (bench) => {
  /** Each call the next engine over one memory. */
  const open = (options: { maxEntries?: number; maxBytes?: number } = {}) => {
    const engines = bench.engines(createRegions({ maxBytes: MIB, manualClock: true, ...options }))
    let turn = 0
    return () => engines[turn++ % engines.length] as Engine
  }

  it('gives one lease, and its fill makes the value', () => {
    const next = open()
    const token = next().acquireLease('k', TIMEOUT)
    expect(token).toBeGreaterThan(0)
    const other = next()
    expect(other.acquireLease('k', TIMEOUT)).toBe(Acquired.running)
    expect(other.found[Found.lease]).toBe(token)
    expect(next().leaseState(token)).toBe(Lease.running)
    expect(fill(next(), 'k', token)).toBe(Status.stored)
    expect(next().read('k', true)).toBe('loaded')
    next().endLease('k', token, Lease.filled, undefined)
    expect(next().leaseState(token)).toBe(Lease.filled)
    expect(next().acquireLease('k', TIMEOUT)).toBe(Acquired.present)
    expect(fill(next(), 'k', token, 'again')).toBe(Status.refused)
    expect(next().read('k', true)).toBe('loaded')
  })

  it('shows a marker to nobody', () => {
    const next = open({ maxEntries: 10 })
    expect(set(next(), 'there', 'x')).toBe(Status.stored)
    const token = next().acquireLease('k', TIMEOUT)
    const kinds = new Uint8Array(2)
    for (let i = 0; i < 2; i++) {
      expect(next().read('k', true)).toBeUndefined()
      expect(next().read('k', false)).toBeUndefined()
      expect(next().readMany(['k', 'there'], kinds)).toEqual([undefined, 'x'])
      expect(next().has('k')).toBe(false)
      expect(next().expiresIn('k')).toBe(-1)
      expect(next().touch('k', 1000, -1)).toBe(false)
      expect(next().readInto('k', new Uint8Array(8))).toBe(-1)
      expect(keysOf(next())).toEqual(['there'])
      expect(next().size).toBe(1)
    }
    const engine = next()
    expect(engine.lookUp('k')).toBeUndefined()
    expect([...engine.found.slice(0, 5)]).toEqual([FoundState.absent, 0, 0, -1, token])
    expect(fill(next(), 'k', token)).toBe(Status.stored)
    expect(next().size).toBe(2)
  })

  const changes: Record<string, (engine: Engine) => void> = {
    delete: (engine) => expect(engine.delete('k')).toBe(false),
    take: (engine) => expect(engine.take('k')).toBeUndefined(),
    clear: (engine) => engine.clear(),
    set: (engine) => expect(set(engine, 'k', 'new')).toBe(Status.stored),
    add: (engine) => expect(engine.writeString('k', 'new', Mode.add, -1, -1)).toBe(Status.stored),
    increment: (engine) => expect(engine.increment('k', 2, -1, -1)).toBe(2),
    'a set that fails': (engine) => {
      const status = engine.writeBytes('k', new Uint8Array(MIB), Kind.bytes, Mode.set, -1, -1)
      expect(status).toBe(Status.tooLarge)
    },
    'another lease at its end': (engine) => {
      engine.advance(TIMEOUT)
      expect(engine.acquireLease('k', TIMEOUT)).toBeGreaterThan(0)
    },
    'the end of the lease': (engine) => engine.advance(TIMEOUT),
  }
  for (const [name, change] of Object.entries(changes)) {
    for (const stale of [false, true]) {
      it(`refuses a fill after ${name}${stale ? ' of a stale value' : ''}`, () => {
        const next = open({ maxEntries: 10 })
        if (stale) put(next(), 'k', 'old', { soft: 10, ttl: 1e6 })
        next().advance(10)
        const token = next().acquireLease('k', TIMEOUT)
        expect(token).toBeGreaterThan(0)
        change(next())
        const before = next().read('k', false)
        expect(fill(next(), 'k', token, 'late')).toBe(Status.refused)
        expect(next().read('k', false)).toBe(before)
        expect(next().counters()[Counter.fillsRefused]).toBe(1)
        const sizes = { set: 1, add: 1, increment: 1 } as Record<string, number>
        const kept = stale && name.includes('lease') ? 1 : 0
        expect(next().size).toBe(sizes[name] ?? kept)
        next().endLease('k', token, Lease.abandoned, undefined)
        expect(next().size).toBe(sizes[name] ?? kept)
        // Nothing is held up: ten entries fit.
        next().clear()
        for (let i = 0; i < 10; i++) expect(set(next(), `e${i}`, 'x')).toBe(Status.stored)
        expect(next().size).toBe(10)
        expect(next().counters()[Counter.evictedSmall]).toBe(0)
      })
    }
  }

  it('counts exactly through every replacement under maxEntries', () => {
    const next = open({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c', 'd']) {
      const token = next().acquireLease(key, TIMEOUT)
      expect(token).toBeGreaterThan(0)
      expect(fill(next(), key, token)).toBe(Status.stored)
      next().endLease(key, token, Lease.filled, undefined)
      expect(next().size).toBeLessThanOrEqual(3)
    }
    expect(next().size).toBe(3)
    const tokens = ['v', 'w', 'x', 'y', 'z'].map((key) => next().acquireLease(key, TIMEOUT))
    // Markers take no places.
    expect(next().size).toBe(3)
    expect(Math.min(...tokens)).toBeGreaterThan(0)
    next().endLease('v', tokens[0] as number, Lease.failed, new Uint8Array([1, 2]))
    next().endLease('w', tokens[1] as number, Lease.nothing, undefined)
    next().endLease('x', tokens[2] as number, Lease.abandoned, undefined)
    expect(fill(next(), 'y', tokens[3] as number)).toBe(Status.stored)
    expect(next().size).toBe(3)
    for (const key of keysOf(next())) expect(next().delete(key)).toBe(true)
    expect(next().size).toBe(0)
    for (const key of ['v', 'w', 'x', 'z']) expect(set(next(), key, 'now')).toBe(Status.stored)
    expect(next().size).toBe(3)
  })

  it('keeps the outcome of a load for those who wait', () => {
    const next = open()
    const token = next().acquireLease('k', TIMEOUT)
    next().endLease('k', token, Lease.failed, new Uint8Array([7, 8, 9]))
    expect(next().leaseState(token)).toBe(Lease.failed)
    let engine = next()
    expect(engine.lookUp('k')).toBe(3)
    expect([...engine.scratch.slice(0, 3)]).toEqual([7, 8, 9])
    expect([engine.found[Found.state], engine.found[Found.lease]]).toEqual([FoundState.failed, token])
    expect(next().read('k', true)).toBeUndefined()
    expect(next().size).toBe(0)
    // Whoever comes new loads anew, and the old token fills nothing.
    const second = next().acquireLease('k', TIMEOUT)
    expect(second).toBeGreaterThan(0)
    expect(fill(next(), 'k', token)).toBe(Status.refused)
    next().endLease('k', second, Lease.nothing, undefined)
    engine = next()
    expect(engine.lookUp('k')).toBeUndefined()
    expect([engine.found[Found.state], engine.found[Found.lease]]).toEqual([FoundState.nothing, second])
    next().advance(OUTCOME_MS)
    engine = next()
    expect(engine.lookUp('k')).toBeUndefined()
    expect([engine.found[Found.state], engine.found[Found.lease]]).toEqual([FoundState.absent, 0])
    // An error that fits no record is left out.
    const third = next().acquireLease('k', TIMEOUT)
    next().endLease('k', third, Lease.failed, new Uint8Array(5000))
    engine = next()
    expect(engine.lookUp('k')).toBe(0)
    expect(engine.found[Found.state]).toBe(FoundState.failed)
  })

  it('tells fresh from stale, and what is left', () => {
    const next = open()
    expect(put(next(), 'k', 'v', { soft: 100, ttl: 300, cost: 42 })).toBe(Status.stored)
    next().advance(40)
    let engine = next()
    expect(engine.lookUp('k')).toBe('v')
    expect([...engine.found.slice(0, 5)]).toEqual([FoundState.fresh, 60, 260, 42, 0])
    expect(next().expiresIn('k')).toBe(60)
    engine = next()
    expect(engine.read('k', true)).toBe('v')
    expect(engine.meta[Meta.flags]).toBe(MetaFlag.ends)
    next().advance(60)
    for (let i = 0; i < 2; i++) {
      expect(next().read('k', true)).toBeUndefined()
      expect(next().has('k')).toBe(false)
      expect(next().expiresIn('k')).toBe(-1)
      expect(keysOf(next())).toEqual([])
      engine = next()
      expect(engine.lookUp('k')).toBe('v')
      expect([...engine.found.slice(0, 5)]).toEqual([FoundState.stale, 0, 200, 42, 0])
    }
    expect(next().size).toBe(1)
    next().advance(200)
    expect(next().lookUp('k')).toBeUndefined()
    expect(next().size).toBe(0)
  })

  it('is fresh no longer than it is there', () => {
    const next = open()
    put(next(), 'k', 'v', { soft: 300, ttl: 100 })
    const engine = next()
    expect(engine.lookUp('k')).toBe('v')
    expect([...engine.found.slice(0, 3)]).toEqual([FoundState.fresh, 100, 100])
    next().advance(100)
    expect(next().lookUp('k')).toBeUndefined()
  })

  it('leaves nothing stale behind a delete', () => {
    const next = open()
    for (const remove of [(engine: Engine) => engine.delete('k'), (engine: Engine) => engine.take('k') !== undefined]) {
      put(next(), 'k', 'v', { soft: 10, ttl: 300 })
      next().advance(10)
      expect(remove(next())).toBe(false)
      expect(next().lookUp('k')).toBeUndefined()
      expect(next().size).toBe(0)
    }
  })

  it('moves both ends with a touch, and keeps the grace', () => {
    const next = open()
    put(next(), 'k', 'v', { soft: 100, ttl: 150, cost: 3 })
    expect(next().touch('k', 1000, -1)).toBe(true)
    const engine = next()
    expect(engine.lookUp('k')).toBe('v')
    expect([...engine.found.slice(0, 5)]).toEqual([FoundState.fresh, 1000, 1050, 3, 0])
    expect(next().touch('k', -1, -1)).toBe(true)
    expect(next().expiresIn('k')).toBe(Number.POSITIVE_INFINITY)
  })

  it('refreshes a stale value that is still there', () => {
    const next = open({ maxEntries: 5 })
    put(next(), 'k', 'old', { soft: 10, ttl: 10_000, cost: 5 })
    expect(next().acquireLease('k', TIMEOUT)).toBe(Acquired.present)
    next().advance(10)
    const token = next().acquireLease('k', TIMEOUT)
    expect(token).toBeGreaterThan(0)
    const engine = next()
    expect(engine.lookUp('k')).toBe('old')
    expect([...engine.found.slice(0, 5)]).toEqual([FoundState.stale, 0, 9990, 5, token])
    expect(next().acquireLease('k', TIMEOUT)).toBe(Acquired.running)
    expect(next().size).toBe(1)
    // Its last end comes while the load runs: absent, and still bound.
    next().advance(9990)
    expect(next().lookUp('k')).toBeUndefined()
    expect(next().read('k', true)).toBeUndefined()
    expect(next().acquireLease('k', TIMEOUT)).toBe(Acquired.running)
    expect(fill(next(), 'k', token, 'new', { soft: 10, ttl: 10_000 })).toBe(Status.stored)
    next().endLease('k', token, Lease.filled, undefined)
    expect(next().read('k', true)).toBe('new')
    expect(next().size).toBe(1)
  })

  it('leaves a stale value after a failure, and none after nothing', () => {
    const next = open()
    put(next(), 'k', 'old', { soft: 10, ttl: 10_000 })
    next().advance(10)
    const first = next().acquireLease('k', TIMEOUT)
    next().endLease('k', first, Lease.failed, new Uint8Array([1]))
    const engine = next()
    expect(engine.lookUp('k')).toBe('old')
    expect([engine.found[Found.state], engine.found[Found.lease]]).toEqual([FoundState.stale, 0])
    const second = next().acquireLease('k', TIMEOUT)
    expect(second).toBeGreaterThan(0)
    next().endLease('k', second, Lease.nothing, undefined)
    const after = next()
    expect(after.lookUp('k')).toBeUndefined()
    expect([after.found[Found.state], after.found[Found.lease]]).toEqual([FoundState.nothing, second])
    expect(next().size).toBe(0)
  })

  it('leases a fresh value early, which is served meanwhile', () => {
    const next = open()
    put(next(), 'k', 'old', { ttl: 1000 })
    set(next(), 'forever', 'x')
    expect(next().acquireLease('k', TIMEOUT)).toBe(Acquired.present)
    expect(next().acquireLease('forever', TIMEOUT, true)).toBe(Acquired.present)
    const token = next().acquireLease('k', TIMEOUT, true)
    expect(token).toBeGreaterThan(0)
    expect(next().read('k', true)).toBe('old')
    expect(next().expiresIn('k')).toBe(1000)
    expect(next().acquireLease('k', TIMEOUT, true)).toBe(Acquired.running)
    // It never ends any more: nothing is to be refreshed.
    expect(next().touch('k', -1, -1)).toBe(true)
    expect(fill(next(), 'k', token)).toBe(Status.refused)
    expect(next().read('k', true)).toBe('old')
  })

  it('hands a lease over at its end, and never lets an old token fill', () => {
    const next = open()
    const first = next().acquireLease('k', 100)
    next().advance(99)
    expect(next().acquireLease('k', TIMEOUT)).toBe(Acquired.running)
    next().advance(1)
    expect(next().leaseState(first)).toBe(Lease.abandoned)
    const second = next().acquireLease('k', 100)
    expect(second).toBeGreaterThan(0)
    expect(second).not.toBe(first)
    next().endLease('k', first, Lease.failed, undefined)
    expect(next().leaseState(second)).toBe(Lease.running)
    expect(fill(next(), 'k', first)).toBe(Status.refused)
    expect(fill(next(), 'k', second, 'second')).toBe(Status.stored)
    expect(next().read('k', true)).toBe('second')
  })

  it('never lets the token of a line that was used again fill', () => {
    const next = open()
    const first = next().acquireLease('k', TIMEOUT)
    next().endLease('k', first, Lease.abandoned, undefined)
    let again = 0
    for (let i = 0; i < 4 * LEASES && again === 0; i++) {
      const token = next().acquireLease('k', TIMEOUT)
      if (token % LEASES === first % LEASES) again = token
      else next().endLease('k', token, Lease.abandoned, undefined)
    }
    expect(again).toBe(first + LEASES)
    expect(next().leaseState(first)).toBe(Lease.abandoned)
    expect(fill(next(), 'k', first)).toBe(Status.refused)
    next().endLease('k', first, Lease.abandoned, undefined)
    expect(next().leaseState(again)).toBe(Lease.running)
    expect(fill(next(), 'k', again)).toBe(Status.stored)
  })

  it('gives no lease when the table is full, and one again when some are over', () => {
    const next = open({ maxBytes: 4 * MIB })
    const tokens = new Set<number>()
    let refused = 0
    for (let i = 0; i < LEASES + 10; i++) {
      const token = next().acquireLease(`k${i}`, i < 5 ? 50 : TIMEOUT)
      if (token > 0) tokens.add(token)
      else refused++
    }
    expect(tokens.size).toBe(LEASES)
    expect(refused).toBe(10)
    expect(next().acquireLease('more', TIMEOUT)).toBe(Acquired.full)
    expect(next().counters()[Counter.leasesRefused]).toBe(11)
    next().advance(50)
    expect(next().acquireLease('more', TIMEOUT)).toBeGreaterThan(0)
  })

  it('keeps a live marker through eviction, and its fill lands', () => {
    const next = open()
    const token = next().acquireLease('k', TIMEOUT)
    put(next(), 's', 'old', { soft: 10, ttl: 1e6, tags: new Uint32Array([3]), cost: 9 })
    next().advance(10)
    const stale = next().acquireLease('s', TIMEOUT)
    const value = 'x'.repeat(400)
    for (let i = 0; i < 10_000; i++) expect(set(next(), `e${i}`, value)).toBe(Status.stored)
    expect(next().counters()[Counter.evictedSmall]).toBeGreaterThan(5000)
    expect(next().leaseState(token)).toBe(Lease.running)
    const engine = next()
    expect(engine.lookUp('s')).toBe('old')
    expect([engine.found[Found.cost], engine.found[Found.lease]]).toEqual([9, stale])
    expect(fill(next(), 'k', token)).toBe(Status.stored)
    expect(fill(next(), 's', stale)).toBe(Status.stored)
    expect(next().read('k', true)).toBe('loaded')
    expect(next().read('s', true)).toBe('loaded')
  })

  it('drops markers whose load is over', () => {
    const next = open()
    for (let i = 0; i < 3000; i++) {
      const token = next().acquireLease(`k${i}`, TIMEOUT)
      next().endLease(`k${i}`, token, Lease.failed, new Uint8Array(100))
    }
    const value = 'x'.repeat(400)
    for (let i = 0; i < 5000; i++) expect(set(next(), `e${i}`, value)).toBe(Status.stored)
    const kept = next().size
    expect(kept).toBeGreaterThan(1000)
    expect(keysOf(next()).length).toBe(kept)
    for (const key of keysOf(next())) next().delete(key)
    expect(next().size).toBe(0)
  })

  it('leaves places for entries where many load', () => {
    const next = open({ maxEntries: 4 })
    let leases = 0
    for (let i = 0; i < 100; i++) if (next().acquireLease(`k${i}`, TIMEOUT) > 0) leases++
    expect(leases).toBeGreaterThan(6)
    for (let i = 0; i < 50; i++) expect(set(next(), `e${i}`, 'x')).toBe(Status.stored)
    expect(next().size).toBe(4)
  })

  it('ends what a thread leaves that detaches', () => {
    const regions = createRegions({ maxBytes: MIB, manualClock: true })
    const [leaving] = bench.engines(regions)
    const [staying] = bench.engines(regions).reverse()
    const token = (leaving as Engine).acquireLease('k', TIMEOUT)
    ;(leaving as Engine).detach()
    expect((staying as Engine).leaseState(token)).toBe(Lease.abandoned)
    expect((staying as Engine).acquireLease('k', TIMEOUT)).toBeGreaterThan(0)
  })

  it('wakes who waits for a lease', async () => {
    const regions = createRegions({ maxBytes: MIB, manualClock: true })
    const engines = bench.engines(regions)
    const [loading, waiting] = [engines[0] as Engine, engines.at(-1) as Engine]
    for (const end of ['endLease', 'leaseState', 'acquireLease'] as const) {
      const token = loading.acquireLease('k', 100)
      const word = waiting.leaseWord(token)
      const wait = waitAsync(waiting.leaseWords, word, waiting.leaseValue(token), 20_000)
      expect(wait.async).toBe(true)
      if (end === 'endLease') loading.endLease('k', token, Lease.abandoned, undefined)
      else loading.advance(100)
      if (end === 'leaseState') expect(loading.leaseState(token)).toBe(Lease.abandoned)
      if (end === 'acquireLease') loading.endLease('k', loading.acquireLease('k', 100), Lease.abandoned, undefined)
      expect(await wait.value).toBe('ok')
      expect(waiting.leaseState(token)).toBe(Lease.abandoned)
    }
  })

  it('leases long keys and fills long values', () => {
    const next = open({ maxBytes: 16 * MIB })
    const key = 'ü'.repeat(5000)
    const token = next().acquireLease(key, TIMEOUT)
    expect(token).toBeGreaterThan(0)
    const long = 'y'.repeat(300_000)
    expect(fill(next(), key, token, long, { soft: 10, ttl: 1000, tags: new Uint32Array([1, 2, 3]), cost: 1 })).toBe(
      Status.stored,
    )
    next().endLease(key, token, Lease.filled, undefined)
    next().advance(10)
    const second = next().acquireLease(key, TIMEOUT)
    expect(second).toBeGreaterThan(0)
    expect(next().lookUp(key)).toBe(long)
    expect(fill(next(), key, second, 'short')).toBe(Status.stored)
    expect(next().read(key, true)).toBe('short')
    // Bytes longer than scratch, stale: only lookUp can hand them out.
    const bytes = new Uint8Array(200_000).fill(7)
    const fields = { ...plain, soft: 10, ttl: 1000 }
    expect(next().writeEntry('b', bytes, Kind.bytes, Mode.set, fields)).toBe(Status.stored)
    next().advance(10)
    for (let i = 0; i < 2; i++) {
      const engine = next()
      expect(engine.lookUp('b')).toBe(bytes.length)
      expect(Buffer.compare(engine.taken ?? new Uint8Array(0), bytes)).toBe(0)
    }
  })
})
