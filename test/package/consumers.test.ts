// The package as programs of others meet it: TypeScript as ES module and as CommonJS under each way of resolving modules, ten lines of plain
// JavaScript both ways, a module that the main thread and workers import, modules that are evaluated again, and the end of the process.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root, run } from './checkout.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ostraka-consumer-'))
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(root, path.join(folder, 'node_modules', 'ostraka'), 'junction')
  symlinkSync(path.join(root, 'node_modules', '@types'), path.join(folder, 'node_modules', '@types'), 'junction')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
}

const node = (...args: string[]) => run(process.execPath, args, folder, { OSTRAKA_ENGINE: 'js' })

const typed = `
interface User { id: string; name: string }
interface Shop { 'user:*': User; visits: number }
const cache: Cache<Shop> = createCache<Shop>({ name: 'consumer', maxBytes: '1mb', ttl: '5m' })
const id: string = '42'
cache.set(\`user:\${id}\`, { id, name: 'Xenia' })
const user: User | undefined = cache.get(\`user:\${id}\`)
const users: Namespace<User> = cache.namespace<User>('users', { ttl: '1h' })
users.set(id, { id, name: 'Xenia' })
const name: string | undefined = users.get(id)?.name
// @ts-expect-error no such key
cache.get('other')
try {
  cache.increment('visits')
} catch (error) {
  if (error instanceof OstrakaError && error.code === 'OSTRAKA_ERR_CLOSED') console.log(error.faults)
}
const rivals: Subject[] = [{ name: 'a map', open: () => ({ get: () => undefined, set: () => true }) }]
const measure = () => runBenchmark({ subjects: rivals, workload: { requests: 1, keys: 1, mix: { read: 1 } } })
console.log(user?.name, name, cache.get('visits'), typeof measure)
void cache.close()
`
const esm = `import { createCache, OstrakaError, type Cache, type Namespace } from 'ostraka'\nimport { runBenchmark, type Subject } from 'ostraka/bench'\n${typed}`
const required = `import ostraka = require('ostraka')\nimport type { Cache, Namespace } from 'ostraka'\nimport bench = require('ostraka/bench')\nimport type { Subject } from 'ostraka/bench'\nconst { createCache, OstrakaError } = ostraka\nconst { runBenchmark } = bench\n${typed}`

describe('the types', () => {
  it.each([
    ['node16', 'node16', ['esm.mts', 'commonjs.cts', 'required.cts']],
    ['nodenext', 'nodenext', ['esm.mts', 'commonjs.cts', 'required.cts']],
    ['esnext', 'bundler', ['esm.mts', 'esm.ts']],
  ])('module %s, moduleResolution %s', async (module, moduleResolution, files) => {
    // Files of that kind are compiled to CommonJS, with the same lines.
    write({ 'esm.mts': esm, 'esm.ts': esm, 'commonjs.cts': esm, 'required.cts': required })
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: ['node'],
      outDir: `out-${module}`,
    }
    write({ 'tsconfig.json': JSON.stringify({ compilerOptions, files }) })
    const tsc = path.join(root, 'node_modules', '.bin', 'tsc')
    const compiled = await run(tsc, ['-p', 'tsconfig.json'], folder)
    expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' })
    for (const file of files) {
      const built = path.join(`out-${module}`, file.replace(/ts$/, 'js'))
      if (file === 'esm.ts') continue
      expect(await node(built)).toEqual({ code: 0, stdout: 'Xenia Xenia 1 function\n', stderr: '' })
    }
  })

  it.each(['ostraka', 'ostraka/bench', 'ostraka/metrics'])(
    'name for require every value that %s exports',
    async (entry) => {
      write({ 'values.cjs': `console.log(JSON.stringify(Object.keys(require('${entry}')).sort()))` })
      const names = JSON.parse((await node('values.cjs')).stdout) as string[]
      const literal = `{ ${names.map((name) => `${name}: true`).join(', ')} }`
      write({
        'values.cts': `import entry = require('${entry}')\nexport const names: { [K in keyof typeof entry]: true } = ${literal}\n`,
      })
      const compilerOptions = { module: 'node16', target: 'es2022', strict: true, noEmit: true, types: ['node'] }
      write({ 'tsconfig.json': JSON.stringify({ compilerOptions, files: ['values.cts'] }) })
      expect(await run(path.join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.'], folder)).toMatchObject({
        stdout: '',
        code: 0,
      })
    },
  )
})

describe('ten lines of plain JavaScript', () => {
  const lines = `
const cache = createCache({ maxBytes: '8mb', ttl: '5m' })
cache.set('user:42', { name: 'Xenia', roles: ['admin'] })
const user = cache.get('user:42')
console.log(user.name, Object.isFrozen(user), cache.get('user:43'))
console.log(cache.increment('visits'), cache.size, [...cache.scan({ prefix: 'user:' })])
const sessions = cache.namespace('sessions', { ttl: '30m' })
sessions.set('abc', { user: 42 })
console.log(sessions.get('abc').user, sessions.size, cache.stats().hitRatio > 0)
console.log(createCache().get('user:42') === user)
`
  const stdout = "Xenia true undefined\n1 2 [ 'user:42' ]\n42 1 true\ntrue\n"

  it('as an ES module, and the process ends by itself', async () => {
    write({ 'ten.mjs': `import { createCache } from 'ostraka'\n${lines}` })
    expect(await node('ten.mjs')).toEqual({ code: 0, stdout, stderr: '' })
  })

  it('as CommonJS, and the process ends by itself', async () => {
    write({ 'ten.cjs': `const { createCache } = require('ostraka')\n${lines}` })
    expect(await node('ten.cjs')).toEqual({ code: 0, stdout, stderr: '' })
  })
})

describe('a codec whose package is not installed', () => {
  it('is refused by createCache, which says what to do', async () => {
    write({
      'without.cjs': `const Module = require('node:module')
        const resolve = Module._resolveFilename
        Module._resolveFilename = (request, ...rest) => {
          if (request === 'msgpackr') throw Object.assign(new Error("Cannot find module 'msgpackr'"), { code: 'MODULE_NOT_FOUND' })
          return resolve(request, ...rest)
        }
        const { createCache } = require('ostraka')
        for (const open of [
          () => createCache({ codec: 'msgpack', maxBytes: '1mb' }),
          () => createCache({ name: 'other', maxBytes: '1mb' }).namespace('n', { codec: 'msgpack' }),
        ]) {
          try {
            open()
          } catch (error) {
            console.log(error.code, error.faults[0].path, error.message.includes('npm install msgpackr'))
          }
        }`,
    })
    const line = 'OSTRAKA_ERR_INVALID_OPTION codec true\n'
    expect(await node('without.cjs')).toEqual({ code: 0, stdout: line + line, stderr: '' })
  })
})

describe('modules', () => {
  it('one imported by the main thread and by workers gives all of them one cache', async () => {
    write({
      'shared.mjs': `import { createCache } from 'ostraka'
        export const cache = createCache({ name: 'shared', maxBytes: '4mb', ttl: '1h' })
        export const users = cache.namespace('users', { ttl: '5m' })`,
      'worker.mjs': `import { parentPort, workerData } from 'node:worker_threads'
        import { cache, users } from './shared.mjs'
        users.set('from ' + workerData, { by: workerData })
        parentPort.postMessage([cache.get('main').by, users.get('main').by])`,
      'main.mjs': `import { once } from 'node:events'
        import { Worker } from 'node:worker_threads'
        import { cache, users } from './shared.mjs'
        cache.set('main', { by: 'main' })
        users.set('main', { by: 'main namespace' })
        const workers = [1, 2, 3].map((workerData) => new Worker(new URL('./worker.mjs', import.meta.url), { workerData }))
        for (const [said] of await Promise.all(workers.map((worker) => once(worker, 'message')))) console.log(...said)
        console.log([1, 2, 3].map((i) => users.get('from ' + i).by), cache.size)`,
    })
    expect(await node('main.mjs')).toEqual({
      code: 0,
      stdout: `${'main main namespace\n'.repeat(3)}[ 1, 2, 3 ] 5\n`,
      stderr: '',
    })
  })

  it('evaluated again, as by a hot reload, find the cache as it was', async () => {
    write({
      'app.mjs': `import { createCache } from 'ostraka'
        export const cache = createCache({ name: 'app', maxBytes: '2mb', ttl: '1h' })
        export const users = cache.namespace('users', { ttl: '5m' })`,
      'reload.mjs': `let last
        for (let i = 0; i < 300; i++) {
          const { cache, users } = await import('./app.mjs?' + i)
          if (i > 0 && (cache.get('round') !== i - 1 || users.get('round').i !== i - 1)) throw new Error('lost at ' + i)
          cache.set('round', i)
          users.set('round', { i })
          if (i % 2) await last.close()
          last = cache
        }
        console.log('kept', last.size)
        const { createCache } = await import('ostraka')
        try { createCache({ name: 'app', maxBytes: '3mb' }) } catch (error) { console.log(error.code) }`,
    })
    expect(await node('reload.mjs')).toEqual({ code: 0, stdout: 'kept 2\nOSTRAKA_ERR_OPTIONS_DIFFER\n', stderr: '' })
  })

  it('loaded by import and by require are the same package', async () => {
    write({
      'both.mjs': `import { createRequire } from 'node:module'
        import * as imported from 'ostraka'
        const required = createRequire(import.meta.url)('ostraka')
        const a = imported.createCache({ name: 'both', maxBytes: '1mb' })
        const b = required.createCache({ name: 'both', maxBytes: '1mb' })
        a.set('k', { v: 1 })
        console.log(b.get('k').v, imported.createCache === required.createCache, b instanceof imported.Cache)`,
    })
    expect(await node('both.mjs')).toMatchObject({ code: 0, stdout: '1 true true\n' })
  })

  it('of tests that run in one process each have caches of their own by closing them', async () => {
    write({
      'isolated.test.mjs': `import { deepEqual, equal, throws } from 'node:assert/strict'
        import { afterEach, beforeEach, test } from 'node:test'
        import { createCache } from 'ostraka'
        let cache
        beforeEach(() => { cache = createCache({ name: 'app', maxBytes: '1mb', clock: 'manual', ttl: 1000 }) })
        afterEach(() => cache.close({ all: true }))
        test('first', () => { cache.set('k', 1); cache.advance(999); equal(cache.get('k'), 1) })
        test('second', () => { equal(cache.get('k'), undefined); cache.set('k', { a: 1 }); cache.advance('1s'); equal(cache.get('k'), undefined) })
        test('third', () => { deepEqual([...cache.scan()], []); createCache({ name: 'app' }).set('other', 1); equal(cache.get('other'), 1) })
        test('fourth', async () => { equal(cache.size, 0); await cache.close(); throws(() => cache.size, { code: 'OSTRAKA_ERR_CLOSED' }) })`,
    })
    const ran = await node('--test', 'isolated.test.mjs')
    expect(ran.stdout).toMatch(/pass 4\n/)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  })
})

it('a process that used caches in every way ends by itself, without a word', async () => {
  write({
    'end.mjs': `import { Worker } from 'node:worker_threads'
      import { createCache } from 'ostraka'
      const cache = createCache({ name: 'end', maxBytes: '4mb', ttl: '1h', near: {} })
      for (let i = 0; i < 5000; i++) { cache.set('k' + i % 100, { i }); cache.get('k' + i % 100) }
      const users = cache.namespace('users', { near: { maxEntries: 5 }, idle: '5s' })
      for (let i = 0; i < 100; i++) { users.set('k' + i % 10, { i }); users.get('k' + i % 10) }
      const scan = cache.scan()
      scan.next()
      new Worker("import('ostraka').then(({ createCache }) => createCache({ name: 'end' }).get('k1'))", { eval: true })
      await createCache({ name: 'closed', maxBytes: '1mb' }).close()
      process.on('exit', () => console.log('exit', cache.get('k1').i, process.getActiveResourcesInfo().filter((name) => name !== 'CloseReq').join()))`,
  })
  const ended = await node('--trace-warnings', 'end.mjs')
  expect(ended.stderr).toBe('')
  expect(ended.code).toBe(0)
  expect(ended.stdout).toMatch(/^exit \d+ /)
})
