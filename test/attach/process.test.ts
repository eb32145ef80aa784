// Whole processes: nothing of attaching keeps them alive, warns, or keeps the memory of closed caches.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('./fixtures/process.mjs', import.meta.url))
const WATCHDOG_MS = 50_000

async function run(scenario: string, ...flags: string[]) {
  const child = spawn(process.execPath, [...flags, program, scenario], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: WATCHDOG_MS,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    errors += data
  })
  const [code, signal] = await once(child, 'close')
  return { code, signal, errors, report: out === '' ? undefined : (JSON.parse(out) as unknown) }
}

const clean = { code: 0, signal: null, errors: '' }

test.each(['only imports', 'opens and never closes', 'a worker that nobody waits for'])(
  '%s: exits, silently',
  async (scenario) => {
    expect(await run(scenario)).toEqual({ ...clean, report: 'done' })
  },
)

test.each([
  ['many workers that end by themselves', 16],
  ['workers alone', 12],
])('%s: exit, silently', async (scenario, workers) => {
  expect(await run(scenario)).toEqual({ ...clean, report: Array(workers).fill(0) })
})

test('the memory of closed caches comes back, though another thread heard of them', async () => {
  const { report, ...ended } = await run('memory', '--expose-gc')
  expect(ended).toEqual(clean)
  const { left, grownMegabytes } = report as { left: number; grownMegabytes: number }
  expect(left).toBeLessThanOrEqual(1)
  // Of 960 MB that were used in turn.
  expect(grownMegabytes).toBeLessThan(200)
})
