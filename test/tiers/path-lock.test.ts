// The lock of a path: however slowly anybody looks and writes, and whoever dies when, never two holders at once.
import { describe, expect, test } from 'vitest'
import { Admission } from '../../src/tiers/disk/admission.js'
import { PathLock, SILENT_FOR } from '../../src/tiers/disk/path-lock.js'
import { lifeOf, type ProcessIdentity, thisProcess } from '../../src/tiers/disk/process-identity.js'
import { partitionBytes, shapeFor } from '../../src/tiers/disk/shape.js'
import { randomFrom } from './partitions.js'
import { SimulatedDisk } from './simulated-disk.js'

const me = (pid: number): ProcessIdentity => ({ pid, started: '1', boot: 'b', space: 's', host: 'h' })

describe('the lock of a path', () => {
  test('never has two holders, with processes that are slow, leave and die', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = randomFrom(seed)
      const disk = new SimulatedDisk(random)
      const dead = new Set<number>()
      const holding = new Set<number>()
      let worst = 0
      let taken = 0
      const live = async (pid: number) => {
        const io = disk.process()
        const life = (other: ProcessIdentity) => (dead.has(other.pid) ? 'dead' : 'alive') as 'dead' | 'alive'
        const slow = async () => {
          const most = random() < 0.05 ? 150 : 4
          for (let turns = Math.floor(random() * most); turns > 0; turns--) await new Promise((r) => setImmediate(r))
        }
        const delayed = new Proxy(io, {
          get(target, name) {
            const method = (target as unknown as Record<string, unknown>)[name as string]
            if (typeof method !== 'function') return method
            return async (...args: unknown[]) => {
              await slow()
              const result = await method.apply(target, args)
              await slow()
              return result
            }
          },
        })
        const lock = new PathLock({ io: delayed, folder: '/disk', me: me(pid), now: () => 0, life })
        for (let attempt = 0; attempt < 40; attempt++) {
          if ((await lock.take()) !== undefined) continue
          taken++
          holding.add(pid)
          worst = Math.max(worst, holding.size)
          await slow()
          holding.delete(pid)
          if (random() < 0.3) {
            dead.add(pid)
            return
          }
          await lock.release()
        }
      }
      await Promise.all(Array.from({ length: 5 }, (_, index) => live(index + 1)))
      expect(worst, `seed ${seed}`).toBe(1)
      expect(taken).toBeGreaterThan(2)
    }
  })

  test('of a holder that cannot be seen is taken when it has been silent', async () => {
    const disk = new SimulatedDisk()
    let now = 0
    const lock = (pid: number) =>
      new PathLock({ io: disk.process(), folder: '/disk', me: me(pid), now: () => now, life: () => 'unknown' })
    const first = lock(1)
    const second = lock(2)
    expect(await first.take()).toBeUndefined()
    expect(await second.take()).toMatchObject({ pid: 1 })
    now += SILENT_FOR
    expect(await first.touch()).toBe(true)
    expect(await second.take()).toMatchObject({ pid: 1 })
    now += SILENT_FOR + 1
    expect(await second.take()).toBeUndefined()
    // It hears of it with its next touch, and leaves the lock alone.
    expect(await first.touch()).toBe(false)
    await first.release()
    expect(await second.touch()).toBe(true)
  })

  test('tells who lives', () => {
    const self = thisProcess()
    expect(lifeOf(self, self)).toBe('alive')
    expect(lifeOf({ ...self, started: `${self.started}0` }, self)).toBe('dead')
    expect(lifeOf({ ...self, pid: 2 ** 22 + 1 }, self)).toBe('dead')
    expect(lifeOf({ ...self, boot: 'another' }, self)).toBe('dead')
    expect(lifeOf({ ...self, boot: 'another', host: 'elsewhere' }, self)).toBe('unknown')
    expect(lifeOf({ ...self, space: 'another container' }, self)).toBe('unknown')
  })
})

describe('what is admitted', () => {
  const hash = (n: number) => ({ high: Math.imul(n, 0x9e3779b1) >>> 0, low: n })

  test('what was used again, what comes back, and anything while there is room', () => {
    const admission = new Admission(Infinity, 100, () => 0)
    expect(admission.admits(hash(1), 10, false, false)).toBe(false)
    expect(admission.admits(hash(1), 10, false, false)).toBe(true)
    expect(admission.admits(hash(2), 10, true, false)).toBe(true)
    expect(admission.admits(hash(3), 10, false, true)).toBe(true)
  })

  test('no more than the day allows, beyond one burst', () => {
    let now = 0
    const admission = new Admission(86_400_000, 1000, () => now)
    let admitted = 0
    for (let n = 0; n < 300; n++) if (admission.admits(hash(n), 10, true, false)) admitted++
    expect(admitted).toBe(100)
    now += 500
    for (let n = 0; n < 300; n++) if (admission.admits(hash(n), 10, true, false)) admitted++
    expect(admitted).toBe(150)
    now += 1e9
    for (let n = 0; n < 300; n++) if (admission.admits(hash(n), 10, true, false)) admitted++
    expect(admitted).toBe(250)
  })
})

test('a path never takes more bytes than it may', () => {
  for (let bytes = 2 ** 20; bytes < 2 ** 42; bytes *= 1.7) {
    const shape = shapeFor(bytes)
    const all = shape.partitions * partitionBytes(shape)
    expect(all).toBeLessThanOrEqual(bytes)
    if (bytes < 2 ** 40) expect(all).toBeGreaterThan(bytes * 0.8)
  }
})
