// Each way in which something gone could come back after a restart, provoked on purpose; and for each the fault in the log that would let it, planted,
// to show that the test notices it.
import { describe, expect, test } from 'vitest'
import { CheckedPartition } from './history.js'
import { mutants } from './mutants.js'
import { open, smallShape, TestClock, xxh64 } from './partitions.js'
import { SimulatedDisk } from './simulated-disk.js'

class Scene {
  readonly disk = new SimulatedDisk(() => 0.5)
  readonly clock = new TestClock()
  readonly #lifetimes: number
  #checked: CheckedPartition | undefined
  #others = 0

  constructor(lifetimes: number) {
    this.#lifetimes = lifetimes
  }

  get checked(): CheckedPartition {
    return this.#checked as CheckedPartition
  }

  async start(): Promise<void> {
    const shape = { ...smallShape, regions: 16, lifetimes: this.#lifetimes }
    const partition = await open(this.disk.process(), this.clock, { shape })
    await partition.loaded
    if (this.#checked === undefined) this.#checked = new CheckedPartition(partition, xxh64, () => this.clock.now)
    else this.#checked.crashed(partition)
  }

  /** Keys that nobody asks for again, until so many regions more were emptied. */
  async churn(regions: number, ttl = Infinity): Promise<void> {
    const until = this.#emptied + regions
    for (let n = 0; n < 3000 && this.#emptied < until; n++) {
      this.checked.set(`other${this.#others++}`, { size: 500, ttl })
      if (n % 4 === 0) await this.checked.flush()
    }
    expect(this.#emptied).toBeGreaterThanOrEqual(until)
    await this.checked.flush()
  }

  /** So much of one lifetime that the region being filled is finished. */
  async fillRegion(ttl = Infinity): Promise<void> {
    for (let n = 0; n < 9; n++) this.checked.set(`other${this.#others++}`, { size: 500, ttl })
    await this.checked.flush()
  }

  async killed(): Promise<void> {
    await this.checked.flush()
    this.disk.kill()
    await this.start()
    expect(this.checked.partition.stats()).toMatchObject({ state: 'up', coldStart: undefined })
  }

  get #emptied(): number {
    return this.checked.partition.stats().counters?.emptied ?? 0
  }
}

const SHORT = 1000

interface Told {
  readonly fault: keyof typeof mutants
  readonly lifetimes?: number
  play(scene: Scene): Promise<void>
}

const told: Readonly<Record<string, Told>> = {
  'a deleted key': {
    fault: 'a delete writes no tombstone',
    async play(scene) {
      scene.checked.set('k')
      await scene.checked.flush()
      scene.checked.remove('k')
      await scene.killed()
    },
  },
  'an older value, when the shorter-lived one that replaced it was emptied first': {
    fault: 'values do not say that they bury older ones',
    lifetimes: 3,
    async play(scene) {
      scene.checked.set('k')
      await scene.fillRegion()
      scene.checked.set('k', { ttl: SHORT })
      await scene.fillRegion(SHORT)
      scene.clock.advance(2 * SHORT)
      await scene.churn(1, SHORT)
      await scene.killed()
    },
  },
  'a deleted key, when its tombstone was emptied first': {
    fault: 'tombstones die with their region',
    lifetimes: 3,
    async play(scene) {
      scene.checked.set('k')
      await scene.fillRegion()
      scene.checked.set('k', { ttl: SHORT })
      await scene.fillRegion(SHORT)
      scene.clock.advance(2 * SHORT)
      await scene.churn(1, SHORT)
      await scene.killed()
    },
  },
  'a value that was copied on, after it was replaced': {
    fault: 'what is copied on gets a new sequence',
    async play(scene) {
      scene.checked.set('k')
      await scene.fillRegion()
      for (let n = 0; n < 3; n++) await scene.checked.check('k')
      while (scene.checked.partition.stats().counters?.reinserted === 0) await scene.churn(1)
      expect(await scene.checked.check('k')).toMatch(/^k=1;/)
      scene.checked.set('k')
      await scene.killed()
      expect(await scene.checked.check('k')).toBeDefined()
    },
  },
  'a value that was replaced': {
    fault: 'any record wins over an older one that was loaded before it',
    async play(scene) {
      scene.checked.set('k')
      await scene.fillRegion()
      scene.checked.set('k')
      await scene.fillRegion()
      await scene.killed()
      expect(await scene.checked.check('k')).toBeDefined()
    },
  },
  'a value whose tag was invalidated': {
    fault: 'invalidated tags are only known in memory',
    async play(scene) {
      scene.checked.set('k', { tags: [3] })
      await scene.checked.flush()
      scene.checked.invalidateTags([3])
      await scene.killed()
    },
  },
  'a value whose tag was invalidated, once the invalidation lies in a finished region': {
    fault: 'generations of tags are not stored before footers',
    async play(scene) {
      scene.checked.set('k', { tags: [3] })
      scene.checked.invalidateTags([3])
      await scene.fillRegion()
      await scene.killed()
    },
  },
  'what was cleared': {
    fault: 'the floor is not stored',
    async play(scene) {
      scene.checked.set('k')
      await scene.checked.flush()
      scene.checked.clear()
      await scene.killed()
    },
  },
}

async function faultsOf({ lifetimes = 1, play }: Told): Promise<readonly string[]> {
  const scene = new Scene(lifetimes)
  await scene.start()
  await play(scene)
  await scene.checked.checkAll()
  await scene.checked.partition.close()
  return scene.checked.faults
}

describe('does not come back:', () => {
  test.each(Object.entries(told))('%s', async (_, one) => {
    expect(await faultsOf(one)).toEqual([])
    const undo = mutants[one.fault]?.()
    try {
      expect((await faultsOf(one)).length).toBeGreaterThan(0)
    } finally {
      undo?.()
    }
  })

  test('every planted fault has a scene', () => {
    expect(
      Object.values(told)
        .map(({ fault }) => fault)
        .sort(),
    ).toEqual(Object.keys(mutants).sort())
  })
})
