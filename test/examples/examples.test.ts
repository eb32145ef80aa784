// Every example runs by itself, checks itself and ends by itself, with nothing on standard error.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Outcome, runProgram } from '../docs/child.js'

const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs'))

function run(file: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  return runProgram(file, [], folder, { OSTRAKA_ENGINE: undefined, PORT: undefined, ...env })
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
