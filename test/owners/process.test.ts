// Processes whose caches have threads of their own end by themselves, in whatever state those are; stopped as a whole they lose nobody.
import { execFile, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { benches } from '../behaviour/engines.js'

const run = promisify(execFile)
const file = fileURLToPath(new URL('./fixtures/process.mjs', import.meta.url))
// Far below any bound that might end it by accident would be better still, but machines differ.
const LIMIT = { timeout: 60_000 }

describe.each(benches.filter(({ name }) => name !== 'mixed'))('a process, $name', ({ name: engine, missing }) => {
  const all = [
    ['at once', 'done'],
    ['after use', 'done'],
    ['asleep', 0],
    ['auto', 'waiting'],
    ['closed', 'done'],
    ['closed at the very end', 'done'],
    ['exit', 'done'],
    ['in a worker alone', 'done'],
  ] as const
  // Threads come and go alike under either engine; what differs is what they are in the middle of.
  const ways = engine === 'native' ? all : all.filter(([way]) => ['after use', 'auto', 'closed'].includes(way))
  it.skipIf(missing).each(ways)('ends by itself: %s', async (way, printed) => {
    const { stdout, stderr } = await run(process.execPath, [file, engine, way], LIMIT)
    expect([JSON.parse(stdout), stderr]).toEqual([printed, ''])
  })

  it.skipIf(missing || process.platform === 'win32')(
    'that is stopped for seconds has the same owner afterwards',
    async () => {
      const child = spawn(process.execPath, [file, engine, 'stopped'], { stdio: ['ignore', 'pipe', 'inherit'] })
      let text = ''
      child.stdout.on('data', (part: Buffer) => {
        const isFirst = text === ''
        text += part
        if (!isFirst) return
        child.kill('SIGSTOP')
        setTimeout(() => child.kill('SIGCONT'), process.env['OSTRAKA_SOAK'] ? 60_000 : 2_500)
      })
      const code = await new Promise((resolve) => child.once('exit', resolve))
      const [, told] = text.trim().split('\n')
      expect([code, JSON.parse(told ?? 'null')]).toEqual([0, { restarts: 0, kept: true }])
    },
  )
})

it('that may not start threads says so and does the upkeep itself', async () => {
  const flag = Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission'
  const { stdout } = await run(process.execPath, [flag, '--allow-fs-read=*', file, 'js', 'forbidden'], LIMIT)
  expect(JSON.parse(stdout)).toEqual({ failure: 'string', kept: true })
})
