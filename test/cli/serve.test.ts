// ostraka serve: a page over work that really runs, for as long as it was asked to.
import { describe, expect, it } from 'vitest'
import { ostraka } from './run.js'

describe('ostraka serve', () => {
  it('shows a cache that worker threads use, and ends', async () => {
    const { code, stdout, stderr } = await ostraka(['serve', '--port', '0', '--seconds', '2', '--json', '-'])
    expect([code, stderr]).toEqual([0, ''])
    const stats = JSON.parse(stdout)
    expect(stats).toMatchObject({ version: 1, name: 'demonstration' })
    expect(stats.hits + stats.misses).toBeGreaterThan(0)
    expect(stats.loads.started).toBeGreaterThan(0)
  })

  it('refuses to show itself to others without a token', async () => {
    const { code, stderr } = await ostraka(['serve', '--host', '0.0.0.0', '--port', '0'])
    expect(code).toBe(2)
    expect(stderr).toContain('token')
  })
})
