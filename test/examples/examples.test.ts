// Every example runs by itself, checks itself and ends by itself, with nothing on standard error.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs'))

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(file: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], {
      cwd: folder,
      env: { ...process.env, OSTRAKA_ENGINE: undefined, PORT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const watchdog = setTimeout(() => child.kill('SIGKILL'), 60_000)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      stdout += piece
    })
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      stderr += piece
    })
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(watchdog)
      resolve({ code, stdout, stderr })
    })
  })
}

test('there is one for every kind of server that the documentation names', () => {
  expect(examples.sort()).toEqual([
    'fastify-single.mjs',
    'fastify-workers.mjs',
    'node-cluster.mjs',
    'piscina.mjs',
    'ssr.mjs',
  ])
})

test.each(examples)('%s', async (name) => {
  // The pure-JS engine runs everywhere; which one it is makes no difference to an example.
  const { code, stdout, stderr } = await run(name, { OSTRAKA_ENGINE: 'js' })
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ok: /m)
  expect(code).toBe(0)
})
