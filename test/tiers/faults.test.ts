// A disk that fails in every way it can, at every operation in turn: never a wrong value, never an exception out of a call, and either the partition goes
// on or it rests and begins again.
import { describe, expect, test, vi } from 'vitest'
import { CheckedPartition } from './history.js'
import { open, randomFrom, smallShape, TestClock, xxh64 } from './partitions.js'
import { play } from './play.js'
import { type Fault, type Operation, SimulatedDisk } from './simulated-disk.js'

const FILE = '/disk/ostraka.partition-0'

async function started(disk = new SimulatedDisk(randomFrom(1)), options = {}) {
  const clock = new TestClock()
  const partition = await open(disk.process(), clock, options)
  await partition.loaded
  return { disk, clock, checked: new CheckedPartition(partition, xxh64, () => clock.now) }
}

/** Some of everything, over several regions. */
async function fill(checked: CheckedPartition, rounds = 6): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 12; n++) checked.set(`k${n}`, { size: 150, tags: n % 3 === 0 ? [n] : [] })
    checked.remove(`k${round}`)
    checked.invalidateTags([3])
    for (let n = 0; n < 6; n++) await checked.check(`k${n}`)
    await checked.flush().catch((error) => expect(error).toMatchObject({ code: 'OSTRAKA_ERR_DISK' }))
  }
}

/** Fails the operation that comes after `skipped` others of its kind. */
function failing(disk: SimulatedDisk, operation: Operation, skipped: number, fault: Fault, times = 1): () => boolean {
  let seen = 0
  let hit = false
  disk.fault = (asked) => {
    if (asked !== operation) return undefined
    const mine = seen >= skipped && seen < skipped + times
    seen++
    hit ||= mine
    return mine ? fault : undefined
  }
  return () => hit
}

describe('errors', () => {
  test.each([
    ['write', { code: 'EIO' }],
    ['write', { code: 'ENOSPC' }],
    ['read', { code: 'EIO' }],
    ['read', { short: 50 }],
    ['open', { code: 'EACCES' }],
    ['resize', { code: 'ENOSPC' }],
    ['size', { code: 'EIO' }],
  ] as const)('%s: %j at each operation in turn, in the first life and after a crash', async (operation, fault) => {
    let reached = 0
    for (let skipped = 0; skipped < 40; skipped += skipped < 8 ? 1 : 6) {
      for (const crashed of [false, true]) {
        const disk = new SimulatedDisk(randomFrom(skipped))
        let hit = crashed ? () => false : failing(disk, operation, skipped, fault)
        const { checked, clock } = await started(disk)
        await fill(checked)
        if (crashed) {
          disk.kill()
          hit = failing(disk, operation, skipped, fault)
          checked.crashed(await open(disk.process(), clock))
          await checked.partition.loaded
          await fill(checked, 2)
        }
        disk.fault = () => undefined
        await checked.checkAll()
        disk.kill()
        checked.crashed(await open(disk.process(), clock))
        await checked.partition.loaded
        await checked.checkAll()
        expect(checked.faults, `${operation} ${skipped} ${crashed}`).toEqual([])
        await checked.partition.close()
        if (hit()) reached++
      }
    }
    expect(reached).toBeGreaterThan(0)
  })

  test('random errors in random histories', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const before = (disk: SimulatedDisk, step: number, random: () => number) => {
        const codes = ['EIO', 'ENOSPC']
        disk.fault =
          step % 100 < 50
            ? () => undefined
            : () => (random() < 0.05 ? { code: codes[Math.floor(random() * 2)] as string } : undefined)
      }
      const played = await play({ seed, steps: 300, crashes: 0.01, before })
      expect(played.faults, `seed ${seed}`).toEqual([])
    }
  })
})

describe('a partition that has failed', () => {
  test('empties its file at once, rests, and begins again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { disk, clock, checked } = await started()
      await fill(checked)
      failing(disk, 'write', 0, { code: 'EIO' })
      checked.set('k1')
      // What could not be written is gone with everything else: the promise of the flush is kept.
      checked.remove('k1')
      await checked.partition.flush()
      expect(checked.partition.stats()).toMatchObject({ state: 'resting', failures: 1, reason: 'EIO: simulated' })
      expect(disk.files.get(FILE)?.bytes.length).toBe(0)
      await vi.advanceTimersByTimeAsync(1000)
      await vi.waitFor(() => expect(checked.partition.stats().state).toBe('up'))
      expect(await checked.check('k2')).toBeUndefined()
      checked.set('k2')
      await checked.flush()
      disk.kill()
      checked.crashed(await open(disk.process(), clock))
      await checked.partition.loaded
      expect(await checked.check('k2')).toBeDefined()
      expect(checked.faults).toEqual([])
      await checked.partition.close()
    } finally {
      vi.useRealTimers()
    }
  })

  test('says so when neither the change nor its loss can be written', async () => {
    const { disk, checked } = await started()
    await fill(checked)
    disk.fault = (operation) => (operation === 'read' ? undefined : { code: 'EROFS' })
    checked.remove('k7')
    await expect(checked.partition.flush()).rejects.toMatchObject({
      code: 'OSTRAKA_ERR_DISK',
      message: expect.stringContaining('may be read again after a restart'),
    })
    expect(await checked.check('k7')).toBeUndefined()
    await checked.partition.close()
  })

  test('uses fewer regions where the disk is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { disk, checked } = await started(undefined, { shape: { ...smallShape, regions: 64 } })
      for (let n = 0; n < 300; n++) checked.set(`k${n}`, { size: 400 })
      await checked.flush()
      const { used } = checked.partition.stats().regions
      failing(disk, 'write', 0, { code: 'ENOSPC' })
      checked.set('k')
      await checked.partition.flush()
      disk.fault = () => undefined
      await vi.advanceTimersByTimeAsync(1000)
      await vi.waitFor(() => expect(checked.partition.stats().state).toBe('up'))
      expect(checked.partition.stats().regions.free).toBeLessThanOrEqual(used / 2 + 1)
      await checked.partition.close()
    } finally {
      vi.useRealTimers()
    }
  })

  test('notices that its file was removed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
    try {
      const { disk, checked } = await started()
      await fill(checked)
      await disk.process().remove(FILE)
      await vi.advanceTimersByTimeAsync(1000)
      await vi.waitFor(() => expect(checked.partition.stats().failures).toBe(1))
      expect(checked.partition.stats().reason).toBe('the file was removed')
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a disk that does not answer', () => {
  const fakes = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] as const

  test('makes misses of reads, and ends the log when it takes no writes; what it does later is believed by nobody', async () => {
    vi.useFakeTimers({ toFake: [...fakes] })
    try {
      const { disk, clock, checked } = await started()
      await fill(checked)
      disk.fault = (operation) => (operation === 'read' || operation === 'write' ? 'stuck' : undefined)
      const read = checked.check('k9')
      await vi.advanceTimersByTimeAsync(2500)
      expect(await read).toBeUndefined()
      expect(checked.partition.stats().counters?.readsLate).toBe(1)

      checked.remove('k8')
      const flushed = checked.flush()
      for (let second = 0; second < 32; second++) await vi.advanceTimersByTimeAsync(1000)
      await flushed
      const { failures, reason } = checked.partition.stats()
      expect([failures, reason]).toEqual([1, 'the disk has not answered for 30 s'])

      disk.fault = () => undefined
      for (const goOn of disk.stuck.splice(0)) goOn()
      await vi.advanceTimersByTimeAsync(2000)
      await vi.waitFor(() => expect(checked.partition.stats().state).toBe('up'))
      checked.set('k7')
      await checked.flush()
      disk.kill()
      checked.crashed(await open(disk.process(), clock))
      await checked.partition.loaded
      await checked.checkAll()
      expect(checked.faults).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  test('when it is opened: it comes up later, without what was changed meanwhile', async () => {
    vi.useFakeTimers({ toFake: [...fakes] })
    try {
      const { disk, clock, checked } = await started()
      await fill(checked)
      disk.kill()
      disk.fault = (operation) => (operation === 'read' ? 'stuck' : undefined)
      const opening = open(disk.process(), clock)
      await vi.advanceTimersByTimeAsync(11_000)
      const partition = await opening
      expect(partition.stats()).toMatchObject({ state: 'resting', reason: 'the disk does not answer' })
      checked.crashed(partition)
      checked.remove('k9')
      checked.invalidateTags([6])
      const flushed = checked.flush()
      await vi.advanceTimersByTimeAsync(2000)
      disk.fault = () => undefined
      for (const goOn of disk.stuck.splice(0)) goOn()
      await flushed
      expect(partition.stats().coldStart).toBeUndefined()
      await partition.loaded
      expect(await checked.check('k9')).toBeUndefined()
      expect(await checked.check('k6')).toBeUndefined()
      expect(await checked.check('k10')).toBeDefined()
      expect(checked.faults).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  test('is bounded in memory: values are refused, then everything is given up in place of more tombstones', async () => {
    const options = { mostWaiting: 4096, shape: { ...smallShape, regionBytes: 2 ** 16, regions: 40 } }
    const { disk, clock, checked } = await started(undefined, options)
    for (let n = 0; n < 300; n++) {
      checked.set(`k${n}`)
      if (n % 20 === 0) await checked.flush()
    }
    await checked.flush()
    disk.fault = (operation) => (operation === 'write' ? 'stuck' : undefined)
    for (let n = 0; n < 20; n++) checked.set(`big${n}`, { size: 500 })
    const { counters, waitingBytes } = checked.partition.stats()
    expect(counters?.refused.busy).toBeGreaterThan(10)
    expect(waitingBytes).toBeLessThan(4096 + 128)
    for (let n = 0; n < 300; n++) checked.remove(`k${n}`)
    expect(checked.partition.stats().counters?.floors).toBe(1)
    expect(checked.partition.stats().waitingBytes).toBeLessThan(2 * 4096 + 256)
    await checked.checkAll()
    disk.fault = () => undefined
    for (const goOn of disk.stuck.splice(0)) goOn()
    await checked.flush()
    disk.kill()
    checked.crashed(await open(disk.process(), clock, options))
    await checked.partition.loaded
    await checked.checkAll()
    expect(checked.faults).toEqual([])
  })
})

describe('damage', () => {
  /** A closed and a killed partition with something in every structure. */
  async function written(how: 'closed' | 'killed') {
    const { disk, clock, checked } = await started()
    await fill(checked, 10)
    checked.clear()
    await fill(checked, 5)
    if (how === 'closed') await checked.partition.close()
    else disk.kill()
    return { disk, clock, checked }
  }

  async function readAfter(
    { disk, clock, checked }: Awaited<ReturnType<typeof written>>,
    damage: () => void,
  ): Promise<void> {
    const { bytes } = disk.files.get(FILE) as { bytes: Uint8Array }
    const before = bytes.slice()
    damage()
    checked.crashed(await open(disk.process(), clock))
    await checked.partition.loaded
    await checked.checkAll()
    // Again, now as its own successor.
    disk.kill()
    checked.crashed(await open(disk.process(), clock))
    await checked.partition.loaded
    await checked.checkAll()
    disk.kill()
    const file = disk.files.get(FILE) as { bytes: Uint8Array }
    file.bytes = before
  }

  test.each(['closed', 'killed'] as const)('flipped bits in a %s file', async (how) => {
    const scene = await written(how)
    const random = randomFrom(how.length)
    const { bytes } = scene.disk.files.get(FILE) as { bytes: Uint8Array }
    const used = [...bytes.keys()].filter((at) => bytes[at] !== 0)
    for (let round = 0; round < 120; round++) {
      const at = used[Math.floor(random() * used.length)] as number
      await readAfter(scene, () => scene.disk.flip(FILE, at, Math.floor(random() * 8)))
      expect(scene.checked.faults, `byte ${at}`).toEqual([])
    }
    expect(scene.checked.hits).toBeGreaterThan(100)
  })

  test('files that are cut, foreign, of random bytes, or all ones', async () => {
    const scene = await written('closed')
    const random = randomFrom(3)
    const file = () => scene.disk.files.get(FILE) as { bytes: Uint8Array }
    const { length } = file().bytes
    for (let round = 0; round < 20; round++) {
      await readAfter(scene, () => {
        file().bytes = file().bytes.slice(0, Math.floor(random() * length))
      })
      await readAfter(scene, () => {
        const from = Math.floor(random() * length)
        const noise = Uint8Array.from({ length: Math.min(300, length - from) }, () => random() * 256)
        file().bytes = file().bytes.slice()
        file().bytes.set(noise, from)
      })
    }
    await readAfter(scene, () => {
      file().bytes = new Uint8Array(length).fill(255)
    })
    await readAfter(scene, () => {
      file().bytes = Uint8Array.from({ length: 1000 }, () => random() * 256)
    })
    await readAfter(scene, () => {
      // A region put into another one's place.
      const at = length - 2 * smallShape.regionBytes
      file().bytes = file().bytes.slice()
      file().bytes.copyWithin(at, at + smallShape.regionBytes, length)
    })
    expect(scene.checked.faults).toEqual([])
  })
})

describe('time', () => {
  test('a clock that was set back a day, while the machine ran and while it was off', async () => {
    for (const rebooted of [false, true]) {
      const { disk, clock, checked } = await started(undefined, { sync: true })
      checked.set('expires', { ttl: 3_600_000 })
      checked.set('stays')
      await checked.flush()
      disk.kill()
      clock.advance(3_700_000)
      if (rebooted) clock.reboot()
      clock.now -= 86_400_000
      const partition = await open(disk.process(), clock, { sync: true })
      await partition.loaded
      checked.crashed(partition)
      const hash = await checked.check('expires')
      expect(hash, `rebooted: ${rebooted}`).toBeUndefined()
      expect(await checked.check('stays')).toBeDefined()
    }
  })

  test('within a process the clock may jump', async () => {
    const { clock, checked } = await started()
    checked.set('k', { ttl: 1000 })
    clock.now += 86_400_000
    const { partition } = checked
    expect(partition.now()).toBeLessThan(clock.now - 80_000_000)
    clock.now -= 86_400_000
    expect(await checked.check('k')).toBeDefined()
    clock.advance(1001)
    expect(await checked.check('k')).toBeUndefined()
  })
})

describe('a former owner', () => {
  test('that writes late is believed by nobody', async () => {
    let cold = 0
    for (let seed = 1; seed <= 20; seed++) {
      const random = randomFrom(seed)
      const { disk, clock, checked } = await started(new SimulatedDisk(random))
      const former = checked.partition
      const late = new CheckedPartition(former, xxh64, () => clock.now)
      await fill(checked, 2)
      for (let n = 0; n < 5; n++) checked.set(`late${n}`)
      await checked.flush()
      // It does not know yet that it has been replaced, goes on, and even finishes what it was filling.
      const partition = await open(disk.process(), clock)
      await partition.loaded
      checked.crashed(partition)
      for (let n = 0; n < 5; n++) checked.remove(`late${n}`)
      await checked.flush()
      const little = seed % 2 === 0
      for (let n = 0; n < (little ? 3 : 60); n++) late.set(`late${n % 5}`, { size: little ? 20 : 20 + random() * 300 })
      if (little) late.invalidateTags([60])
      if (seed % 3 === 0) late.clear()
      await former.flush()
      if (seed % 5 === 0) await former.close()
      await checked.checkAll()
      disk.kill()
      const successor = await open(disk.process(), clock)
      await successor.loaded
      checked.crashed(successor)
      if (little) expect(successor.stats().coldStart).toBeUndefined()
      else cold += successor.stats().coldStart === undefined ? 0 : 1
      for (let n = 0; n < 5; n++) expect(await checked.check(`late${n}`)).toBeUndefined()
      await checked.checkAll()
      expect(checked.faults, `seed ${seed}`).toEqual([])
    }
    // Where it has taken regions that its successor uses, everything is given up.
    expect(cold).toBe(10)
  })

  test('that is told stops at once and leaves the file alone', async () => {
    let fenced = false
    const { disk, checked } = await started(undefined, { fenced: () => fenced })
    await fill(checked)
    const before = disk.files.get(FILE)?.bytes.slice()
    fenced = true
    checked.set('k')
    await checked.partition.flush()
    expect(checked.partition.stats()).toMatchObject({ state: 'off', reason: 'another owner has taken over' })
    expect(disk.files.get(FILE)?.bytes).toEqual(before)
  })
})

describe('trust', () => {
  test.each([
    ['killed', {}, false, undefined],
    ['killed', { strict: true }, false, 'the last owner has not closed it, and it is strict'],
    ['closed', { strict: true }, true, undefined],
    ['killed, and the machine went down', {}, true, 'the machine went down before it was closed'],
    ['killed, and the machine went down', { sync: true }, true, undefined],
  ])('%s, with %j', async (how, options, reboots, coldStart) => {
    const { disk, clock, checked } = await started(undefined, options)
    checked.set('k')
    await checked.flush()
    if (how === 'closed') await checked.partition.close()
    else disk.kill()
    if (reboots) clock.reboot()
    const partition = await open(disk.process(), clock, options)
    await partition.loaded
    checked.crashed(partition)
    expect(partition.stats().coldStart).toBe(coldStart)
    expect((await checked.check('k')) !== undefined).toBe(coldStart === undefined)
  })
})
