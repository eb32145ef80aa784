// Bounds under load that lasts: memory, entries, keys without end, one key without end. Short here; `npm run soak` takes the counts that a
// release deserves. What was measured is printed; what is asserted is generous.
import { expect, test } from 'vitest'
import { benches } from '../behaviour/engines.js'
import { run } from '../deaths/arena.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
const nativeMissing = benches.find(({ name }) => name === 'native')?.missing
const MIB = 2 ** 20

async function load<Result>(argument: object): Promise<Result> {
  const outcome = await run('../../soak/fixtures/fill.mjs', argument)
  expect([outcome.code, outcome.signal, outcome.errors]).toEqual([0, null, ''])
  return JSON.parse(outcome.output) as Result
}

for (const engine of ['native', 'js'] as const) {
  const suite = test.skipIf(engine === 'native' && nativeMissing !== undefined)

  suite(`${engine}: churn of mixed sizes stays within its memory`, async () => {
    const milliseconds = soak ? 600_000 : 2000
    const seen = await load<Record<string, number>>({ load: 'churn', engine, milliseconds })
    const { operations, wrong, maxBytes, sharedBytes, evicted, refused, grown } = seen as Record<string, number>
    console.log(
      `${engine}: ${operations} operations, ${Math.round(grown! / MIB)} MiB more resident for ${maxBytes! / MIB} MiB, ${refused} refused`,
    )
    expect(wrong).toBe(0)
    expect(sharedBytes).toBeLessThanOrEqual(maxBytes!)
    expect(evicted).toBeGreaterThan(0)
    // The cache's memory, and what V8 holds of strings on their way.
    expect(grown).toBeLessThan(maxBytes! + 160 * MIB)
    expect(refused! / operations!).toBeLessThan(0.001)
  })

  suite(`${engine}: keys that never come back`, async () => {
    const count = soak ? 20_000_000 : 600_000
    const seen = await load<Record<string, number>>({ load: 'distinct', engine, count })
    console.log(`${engine}: ${count} keys through 64 MiB, ${seen['size']} are there at the end`)
    expect([seen['refused'], seen['lost']]).toEqual([0, 0])
    expect(seen['listed']).toBe(seen['size'])
    expect(seen['size']).toBeGreaterThan(100_000)
    expect(seen['sharedBytes']).toBeLessThanOrEqual(64 * MIB)
  })

  suite(`${engine}: more entries than ${soak ? '24 bits' : '18 bits'} count`, async () => {
    const count = soak ? 2 ** 24 + 100_000 : 2 ** 18 + 10_000
    const seen = await load<Record<string, number>>({ load: 'many', engine, count })
    console.log(`${engine}: ${seen['size']} of ${count} entries kept`)
    expect(seen['wrong']).toBe(0)
    expect(seen['size']! + seen['evicted']!).toBe(count)
    // A full pair of buckets may cost one in a few hundred.
    expect(seen['size']).toBeGreaterThan(count * 0.99)
    expect(seen['found']).toBeGreaterThan(seen['asked']! * 0.99)
  })

  suite(`${engine}: 250 entries exactly`, async () => {
    const seen = await load({ load: 'exact', engine, count: soak ? 3_000_000 : 60_000 })
    expect(seen).toEqual({ most: 250, least: 250 })
  })

  suite(`${engine}: one key overwritten beside others that stay`, async () => {
    const count = soak ? 20_000_000 : 400_000
    const seen = await load<Record<string, number | string>>({ load: 'storm', engine, count })
    const share = Number(seen['hits']) / Number(seen['reads'])
    console.log(`${engine}: ${(100 * share).toFixed(2)} % hits of what stays, ${seen['evicted']} evicted`)
    expect(seen['last']).toBe(String(count - 1))
    expect(share).toBeGreaterThan(0.98)
  })
}
