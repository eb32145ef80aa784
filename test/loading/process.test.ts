// A process stays for as long as somebody waits, and no longer.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { mixes } from './threads.js'

const run = promisify(execFile)
const file = fileURLToPath(new URL('./fixtures/process.mjs', import.meta.url))

describe.each([...new Set(mixes.flat())])('a process, %s', (engine) => {
  it.each([
    ['done', 'done'],
    ['hangs until its hard timeout', 'OSTRAKA_ERR_LOAD_TIMEOUT'],
    ['hangs in the background', 'old'],
    ['fails in the background', 'old'],
    ['left by its caller', 'AbortError'],
    ['waits for another thread', 'from there'],
  ])('whose load %s ends by itself', async (way, printed) => {
    // The limit is far below any timeout that might keep it, and far above what it takes.
    const { stdout, stderr } = await run(process.execPath, [file, engine, way], { timeout: 20_000 })
    expect([stdout.trim(), stderr]).toEqual([printed, ''])
  })
})
