// A partition of the disk: what it keeps over the end of a process, step by step.
import { describe, expect, test } from 'vitest'
import { CheckedPartition } from './history.js'
import { open, TestClock, xxh64 } from './partitions.js'
import { SimulatedDisk } from './simulated-disk.js'

async function started(options = {}) {
  const disk = new SimulatedDisk()
  const clock = new TestClock()
  const partition = await open(disk.process(), clock, options)
  return { disk, clock, checked: new CheckedPartition(partition, xxh64, () => clock.now) }
}

describe('a partition', () => {
  test('serves what was put, before and after it has reached the file', async () => {
    const { checked } = await started()
    checked.set('a', { size: 100 })
    expect(await checked.check('a')).toMatch(/^a=1;/)
    await checked.flush()
    expect(await checked.check('a')).toMatch(/^a=1;/)
    checked.set('a')
    expect(await checked.check('a')).toMatch(/^a=2;/)
    checked.remove('a')
    expect(await checked.check('a')).toBeUndefined()
    expect(await checked.check('b')).toBeUndefined()
    expect(checked.faults).toEqual([])
  })

  test.each(['closed', 'killed'])('is warm after it was %s', async (how) => {
    const { disk, clock, checked } = await started()
    for (let n = 0; n < 60; n++) checked.set(`k${n}`, { size: 50 })
    checked.set('k1')
    checked.remove('k2')
    await checked.flush()
    if (how === 'closed') await checked.partition.close()
    else disk.kill()
    const partition = await open(disk.process(), clock)
    await partition.loaded
    expect(partition.stats()).toMatchObject({ state: 'up', coldStart: undefined })
    checked.crashed(partition)
    expect(await checked.check('k0')).toMatch(/^k0=1;/)
    expect(await checked.check('k1')).toMatch(/^k1=61;/)
    expect(await checked.check('k2')).toBeUndefined()
    await checked.checkAll()
    expect(checked.hits).toBeGreaterThan(55)
    expect(checked.faults).toEqual([])
  })

  test('turns its regions over and stays within its file', async () => {
    const { checked, disk } = await started()
    const length = disk.files.get('/disk/ostraka.partition-0')?.bytes.length
    for (let n = 0; n < 3000; n++) {
      checked.set(`k${n % 500}`, { size: 60 + (n % 7) * 30 })
      if (n % 20 === 0) await checked.flush()
      if (n % 5 === 0) await checked.check('k3')
    }
    await checked.checkAll()
    expect(disk.files.get('/disk/ostraka.partition-0')?.bytes.length).toBe(length)
    const { counters } = checked.partition.stats()
    expect(counters?.emptied).toBeGreaterThan(50)
    expect(checked.hits).toBeGreaterThan(100)
    expect(checked.faults).toEqual([])
  })
})
