// S3-FIFO in the engine against a plain simulator of it, on a stream with popular keys and scans.
import { describe, expect, it } from 'vitest'
import { Mode } from '../../src/engine/engine.js'
import { log2, mainTakes, modeOf, queueOfNew, queueToEvict, worthOf } from '../../src/engine/js/policy.js'
import { PolicyNumber, Queue } from '../../src/engine/layout.js'
import { MIB, open, randomOf } from './harness.js'

/** S3-FIFO as its paper describes it, over plain queues; ghosts for 90 % of the capacity. */
class Simulator {
  private readonly small = new Map<string, number>()
  private readonly main = new Map<string, number>()
  private readonly ghosts = new Set<string>()
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  request(key: string): boolean {
    const queue = this.small.has(key) ? this.small : this.main.has(key) ? this.main : undefined
    if (queue !== undefined) {
      queue.set(key, Math.min(3, (queue.get(key) as number) + 1))
      return true
    }
    const returned = this.ghosts.delete(key)
    while (this.small.size + this.main.size >= this.capacity) this.evict()
    ;(returned ? this.main : this.small).set(key, 0)
    return false
  }

  private evict(): void {
    const share = Math.floor(this.capacity / 10)
    const fromMain = this.small.size === 0 || this.main.size > this.capacity - share
    const queue = fromMain ? this.main : this.small
    const [key, frequency] = queue.entries().next().value as [string, number]
    queue.delete(key)
    if (fromMain && frequency > 0) this.main.set(key, frequency - 1)
    else if (!fromMain && frequency > 1) this.main.set(key, 0)
    else if (!fromMain) this.remember(key)
  }

  private remember(key: string): void {
    this.ghosts.delete(key)
    this.ghosts.add(key)
    if (this.ghosts.size > this.capacity * 0.9) this.ghosts.delete(this.ghosts.values().next().value as string)
  }
}

/** Popular keys by Zipf's law, and now and then a scan of keys that never come again. */
function* stream(requests: number, keys: number, seed: number): Generator<string> {
  const random = randomOf(seed)
  const cumulative: number[] = []
  let sum = 0
  for (let i = 1; i <= keys; i++) {
    sum += 1 / i ** 0.9
    cumulative.push(sum)
  }
  let scanned = 0
  for (let i = 0; i < requests; i++) {
    if (i % 20_000 >= 16_000) {
      yield `scan${scanned++}`
      continue
    }
    const wanted = random() * sum
    let low = 0
    for (let high = keys - 1; low < high; ) {
      const middle = (low + high) >> 1
      if (cumulative[middle] < wanted) low = middle + 1
      else high = middle
    }
    yield `key${low}`
  }
}

function hitRatio(requests: Iterable<string>, request: (key: string) => boolean): number {
  let hits = 0
  let all = 0
  for (const key of requests) {
    if (request(key)) hits++
    all++
  }
  return hits / all
}

describe('hit ratio', () => {
  it.each([
    [100, 5000],
    [500, 5000],
    [2000, 20_000],
    [8000, 40_000],
  ])('with %i entries is within two points of the simulator', (maxEntries, keys) => {
    const engine = open({ maxBytes: 16 * MIB, maxEntries, seed: { low: 1, high: 2 } })
    const simulator = new Simulator(maxEntries)
    const engineRatio = hitRatio(stream(60_000, keys, 5), (key) => {
      if (engine.read(key, true) !== undefined) return true
      engine.writeString(key, 'v', Mode.set, -1, -1)
      return false
    })
    const simulated = hitRatio(stream(60_000, keys, 5), (key) => simulator.request(key))
    expect(Math.abs(engineRatio - simulated)).toBeLessThan(0.02)
    expect(engineRatio).toBeGreaterThan(0.2)
    engine.detach()
  })

  it('bounded by bytes keeps the popular ones too', () => {
    const engine = open({ maxBytes: 2 * MIB })
    const ratio = hitRatio(stream(60_000, 40_000, 6), (key) => {
      if (engine.read(key, true) !== undefined) return true
      engine.writeString(key, 'v'.repeat(200), Mode.set, -1, -1)
      return false
    })
    // About 7,000 entries fit.
    const simulator = new Simulator(engine.size)
    const simulated = hitRatio(stream(60_000, 40_000, 6), (key) => simulator.request(key))
    expect(ratio).toBeGreaterThan(simulated - 0.03)
    engine.detach()
  })
})

describe('modes', () => {
  const published = modeOf(PolicyNumber['s3-fifo'])

  it('give from small until it is below its share', () => {
    expect(queueToEvict(published, 10, 90)).toBe(Queue.small)
    expect(queueToEvict(published, 9, 91)).toBe(Queue.main)
    expect(queueToEvict(published, 0, 5)).toBe(Queue.main)
    expect(queueToEvict(published, 5, 0)).toBe(Queue.small)
    expect(queueToEvict(modeOf(PolicyNumber.clock), 1, 99)).toBe(Queue.small)
  })

  it('put what is new where it belongs', () => {
    const mainFirst = modeOf(PolicyNumber['s3-fifo-main-first'])
    expect([queueOfNew(published, false, true), queueOfNew(published, true, false)]).toEqual([Queue.small, Queue.main])
    expect(queueOfNew(mainFirst, false, true)).toBe(Queue.main)
    expect(queueOfNew(modeOf(PolicyNumber.balanced), true, false)).toBe(Queue.small)
    expect(queueOfNew(modeOf(PolicyNumber.recency), true, false)).toBe(Queue.main)
    expect(queueOfNew(modeOf(PolicyNumber.clock), false, false)).toBe(Queue.main)
  })

  it('let main take what small holds too much, and no more', () => {
    const mode = modeOf(PolicyNumber.frequency)
    expect([mainTakes(mode, 30, 70), mainTakes(mode, 2, 98), mainTakes(mode, 1, 99)]).toEqual([true, false, false])
  })

  it('are modes whatever a broken memory says', () => {
    expect(modeOf(77)).toBe(modeOf(PolicyNumber['s3-fifo-main-first']))
    expect(modeOf(-1)).toBe(modeOf(PolicyNumber['s3-fifo-main-first']))
  })

  it('rank by frequency per byte, with a logarithm that is close enough', () => {
    for (const value of [1, 2, 3, 5, 7, 100, 255, 256, 257, 1000, 65_537, 2 ** 31 - 1]) {
      expect(Math.abs(log2(value) - 256 * Math.log2(value))).toBeLessThan(3.5)
    }
    expect(worthOf(4, 0, 16)).toBeGreaterThan(worthOf(4, 1, 16))
    expect(worthOf(4, 0, 16)).toBeGreaterThan(worthOf(4, 0, 17))
  })
})
