// Redis on a unix socket of this machine, through node-redis: without and with its client-side cache. The server is started for the benchmark
// and keeps nothing on disk; `allkeys-lru` and `maxmemory`, as its documentation advises for caches. Values are JSON.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchmarkCache } from '../runner/target.js'
import { imported, type Prepared, type Rival, RivalMissing, type RivalOptions } from './rival.js'

const common = {
  ours: false,
  package: 'redis',
  module: import.meta.url,
  modes: ['copy'],
  bound: 'bytes',
  shared: true,
  asynchronous: true,
  follows: false,
  guessedOverhead: 60,
  prepare,
} as const

export const redis: Rival = { name: 'Redis', ...common }
export const redisClientCache: Rival = { name: 'Redis, client cache', ...common, more: { clientEntries: 10_000 } }

const programs = ['redis-server', 'valkey-server']

async function prepare(budget: number): Promise<Prepared> {
  await imported('redis', () => import('redis'))
  const program = programs.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)
  if (program === undefined) throw new RivalMissing(`no ${programs.join(' or ')} is found in the path`)
  const folder = mkdtempSync(join(tmpdir(), 'ostraka-bench-redis-'))
  const socket = join(folder, 'redis.sock')
  const bound = budget > 0 ? ['--maxmemory', String(budget), '--maxmemory-policy', 'allkeys-lru'] : []
  const child = spawn(
    program,
    ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder, ...bound],
    {
      stdio: 'ignore',
    },
  )
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  const stop = async () => {
    process.off('exit', end)
    child.kill('SIGTERM')
    await Promise.race([exited, sleep(2000)])
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  const { createClient } = await import('redis')
  for (let look = 0; ; look++) {
    const client = createClient({ socket: { path: socket, reconnectStrategy: false } })
    client.on('error', () => {})
    try {
      await client.connect()
      client.destroy()
      return { socket, stop }
    } catch (error) {
      if (look < 100) await sleep(50)
      else {
        await stop()
        throw error
      }
    }
  }
}

export async function open(options: unknown): Promise<BenchmarkCache> {
  const { socket, ttl, more } = options as RivalOptions
  const { createClient } = await imported('redis', () => import('redis'))
  const clientSideCache = { ttl: 0, maxEntries: Number(more?.['clientEntries'] ?? 0), evictPolicy: 'LRU' as const }
  const client = createClient({
    RESP: 3,
    socket: { path: socket!, reconnectStrategy: false },
    ...(clientSideCache.maxEntries > 0 ? { clientSideCache } : {}),
  })
  // A benchmark has no use for a connection that comes back: its calls fail, and are counted.
  client.on('error', () => {})
  await client.connect()
  const decoded = (text: unknown) => (typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined)
  return {
    asynchronous: true,
    get: async (key) => decoded(await client.get(key)),
    getMany: async (keys) => (await client.mGet(keys)).map(decoded),
    set: (key, value, own) => {
      const milliseconds = own || ttl
      return client.set(
        key,
        JSON.stringify(value),
        milliseconds > 0 ? { expiration: { type: 'PX', value: milliseconds } } : undefined,
      )
    },
    delete: (key) => client.del(key),
    size: () => client.dbSize(),
    outside: async () => Number(/used_memory_rss:(\d+)/.exec(await client.info('memory'))?.[1] ?? 0),
    close: () => client.close(),
  }
}
