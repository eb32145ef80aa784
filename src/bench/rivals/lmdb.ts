// lmdb-js: memory-mapped, read in place and decoded, shared by all threads and processes. It has no bound and evicts nothing. Writes are
// gathered into a transaction of the coming turn, as its README does it; `noSync`, since a cache need not survive a power cut.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchmarkCache } from '../runner/target.js'
import { imported, type Prepared, type Rival, type RivalOptions } from './rival.js'

export const lmdb: Rival = {
  name: 'lmdb',
  ours: false,
  package: 'lmdb',
  module: import.meta.url,
  modes: ['copy'],
  bound: 'none',
  shared: true,
  asynchronous: false,
  follows: false,
  guessedOverhead: 40,
  prepare: async (): Promise<Prepared> => {
    await imported('lmdb', () => import('lmdb'))
    const folder = mkdtempSync(join(tmpdir(), 'ostraka-bench-lmdb-'))
    return { socket: folder, stop: async () => rmSync(folder, { recursive: true, force: true }) }
  },
}

export async function open(options: unknown): Promise<BenchmarkCache> {
  const { socket } = options as RivalOptions
  const { open: openDatabase } = await imported('lmdb', () => import('lmdb'))
  const database = openDatabase<unknown, string>({ path: socket!, noSync: true })
  return {
    get: (key) => database.get(key),
    // The promise is for durability, which nobody waits for here; what was put is read back at once only after its transaction.
    set: (key, value) => {
      void database.put(key, value)
    },
    delete: (key) => {
      void database.remove(key)
    },
    getMany: (keys) => keys.map((key) => database.get(key)),
    size: async () => {
      await database.flushed
      return database.getKeysCount()
    },
    close: async () => {
      await database.flushed
      await database.close()
    },
  }
}
