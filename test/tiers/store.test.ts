// A path as a whole, on a real disk: who may use it, what it keeps, and what it does with folders that are not its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DiskStore, type DiskStoreOptions } from '../../src/tiers/disk/disk-store.js'
import { type DiskIo, nodeIo } from '../../src/tiers/disk/io.js'
import { ostraka } from '../cli/run.js'

let folder: string
const open: DiskStore[] = []
const children: ChildProcess[] = []

beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(os.tmpdir(), 'ostraka-disk-')), 'cache')
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(open.splice(0).map((store) => store.close()))
  rmSync(path.dirname(folder), { recursive: true, force: true })
})

async function store(options: Partial<DiskStoreOptions> = {}): Promise<DiskStore> {
  const opened = await DiskStore.open({
    path: folder,
    maxBytes: 8 * 2 ** 20,
    flushInterval: 50,
    strict: false,
    sync: false,
    ...options,
  })
  open.push(opened)
  await opened.loaded()
  return opened
}

const bytes = (text: string) => Buffer.from(text)

function put(to: DiskStore, key: string, value: string, tags: string[] = []): string {
  const stamp = to.stamp(bytes(key))
  const counters = tags.map((tag) => to.tagCounter(tag))
  const entry = {
    key: bytes(key),
    value: bytes(value),
    kind: 2,
    expiry: Infinity,
    soft: Infinity,
    tags: counters,
    stamp,
  }
  return to.put(bytes(key), entry, true)
}

async function get(from: DiskStore, key: string): Promise<string | undefined> {
  const hit = await from.get(bytes(key))
  return hit && Buffer.from(hit.value).toString()
}

async function holder(value: string): Promise<ChildProcess> {
  const fixture = fileURLToPath(new URL('fixtures/holder.mjs', import.meta.url))
  const child = spawn(process.execPath, [fixture, folder, value], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  expect(line.toString()).toBe('up\n')
  return child
}

describe('a path', () => {
  test('keeps values, long and short, over a restart; readable by its user alone', async () => {
    const first = await store()
    const long = JSON.stringify(Array.from({ length: 500 }, (_, n) => ({ n, name: `row ${n}` })))
    expect(put(first, 'short', 'é')).toBe('stored')
    expect(put(first, 'long', long, ['rows'])).toBe('stored')
    expect(put(first, 'gone', 'x', ['other'])).toBe('stored')
    first.invalidateTags([first.tagCounter('other')])
    await first.close()
    expect(first.stats()).toMatchObject({ state: 'off', compression: { values: 1, bytesBefore: long.length } })
    for (const name of readdirSync(folder)) expect(statSync(path.join(folder, name)).mode & 0o077, name).toBe(0)
    expect(statSync(folder).mode & 0o077).toBe(0)
    const second = await store()
    expect(await get(second, 'short')).toBe('é')
    expect(await get(second, 'long')).toBe(long)
    expect(await get(second, 'gone')).toBeUndefined()
    expect(await get(second, 'never')).toBeUndefined()
  })

  test('of another size begins anew', async () => {
    const first = await store()
    put(first, 'k', 'v')
    await first.close()
    const second = await store({ maxBytes: 32 * 2 ** 20 })
    expect(await get(second, 'k')).toBeUndefined()
    expect(put(second, 'k', 'w')).toBe('stored')
  })

  test('that holds files of somebody else is left alone', async () => {
    const first = await store()
    await first.close()
    const file = path.join(folder, 'ostraka.store')
    writeFileSync(file, 'shopping list: bread, milk, and other things')
    const second = await store()
    expect(second.stats()).toMatchObject({ state: 'off', reason: expect.stringContaining('is not a file of Ostraka') })
    expect(put(second, 'k', 'v')).toBe('noRoom')
    await second.flush()
    expect(readFileSync(file, 'utf8')).toContain('bread')
  })

  test.each([
    ['damaged', (content: Buffer) => content.fill(9, 40, 60), 'what was there is damaged'],
    ['of a newer version', (content: Buffer) => content.writeUInt32LE(2, 8), 'what was there is of another version'],
  ])('whose store file is %s begins anew', async (_, change, reason) => {
    const first = await store()
    put(first, 'k', 'v')
    await first.close()
    const file = path.join(folder, 'ostraka.store')
    const content = readFileSync(file)
    change(content)
    writeFileSync(file, content)
    const second = await store()
    expect(second.stats()).toMatchObject({ state: 'up', reason: `began anew: ${reason}` })
    expect(await get(second, 'k')).toBeUndefined()
    expect(put(second, 'k', 'w')).toBe('stored')
    await second.flush()
    expect(await get(second, 'k')).toBe('w')
  })

  test('that cannot be made or written is off, with the reason', async () => {
    writeFileSync(path.dirname(folder).concat('/file'), '')
    const blocked = await store({ path: path.join(path.dirname(folder), 'file', 'cache') })
    expect(blocked.stats()).toMatchObject({ state: 'off', reason: expect.stringContaining('ENOTDIR') })
    expect(await get(blocked, 'k')).toBeUndefined()
    blocked.remove(bytes('k'))
    await blocked.flush()
  })

  test('that cannot be written says so to whoever awaits that something is gone from it', async () => {
    const first = await store()
    put(first, 'k', 'v')
    await first.close()
    const failing: DiskIo = {
      ...nodeIo,
      create: async () => {
        throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })
      },
    }
    const second = await store({ io: failing })
    expect(second.stats()).toMatchObject({ state: 'off', reason: 'EROFS: read-only file system' })
    await second.flush()
    second.remove(bytes('k'))
    await expect(second.flush()).rejects.toMatchObject({ code: 'OSTRAKA_ERR_DISK' })
  })

  test.skipIf(process.getuid?.() === 0)('that is read-only is off', async () => {
    await (await store()).close()
    chmodSync(folder, 0o500)
    expect((await store()).stats().state).toBe('off')
    chmodSync(folder, 0o700)
  })
})

describe('a second user of a path', () => {
  test('in the same process waits for the first', async () => {
    const first = await store()
    put(first, 'k', 'v')
    const second = await store()
    expect(second.stats()).toMatchObject({ state: 'waiting', holder: { pid: process.pid, host: os.hostname() } })
    expect(await get(second, 'k')).toBeUndefined()
    expect(put(second, 'other', 'x')).toBe('noRoom')
    await first.close()
    await vi.waitFor(() => expect(second.stats().state).toBe('up'), { timeout: 10_000 })
    await second.loaded()
    expect(await get(second, 'k')).toBe('v')
  })

  test('takes over from a process that leaves, without what it changed itself meanwhile', async () => {
    const child = await holder('old')
    const mine = await store()
    expect(mine.stats()).toMatchObject({ state: 'waiting', holder: { pid: child.pid } })
    mine.remove(bytes('key'))
    child.stdin?.write('leave')
    await vi.waitFor(() => expect(mine.stats().state).toBe('up'), { timeout: 20_000 })
    await mine.loaded()
    expect(await get(mine, 'key')).toBeUndefined()
  })

  test('takes over from a process that is killed, with what it had flushed', async () => {
    const child = await holder('flushed')
    const mine = await store()
    expect(mine.stats().state).toBe('waiting')
    child.kill('SIGKILL')
    await vi.waitFor(() => expect(mine.stats().state).toBe('up'), { timeout: 20_000 })
    await mine.loaded()
    expect(await get(mine, 'key')).toBe('flushed')
  })

  test('of many that wait, one at a time gets it', async () => {
    const first = await store()
    const others = await Promise.all(Array.from({ length: 6 }, () => store()))
    const up = () => [first, ...others].filter((one) => one.stats().state === 'up')
    for (let round = 0; round < 6; round++) {
      await vi.waitFor(() => expect(up().length).toBe(1), { timeout: 20_000 })
      const [now] = up() as [DiskStore]
      expect(put(now, `k${round}`, 'v')).toBe('stored')
      await now.close()
      expect(up().length).toBeLessThanOrEqual(1)
    }
  })
})

describe('ostraka inspect', () => {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await ostraka(['inspect', ...args])
    return { code, stdout, stderr }
  }

  test('shows and verifies what lies in a folder, in use or not', async () => {
    const first = await store()
    for (let n = 0; n < 100; n++) put(first, `k${n}`, `${'value '.repeat(50)}${n}`)
    for (let n = 0; n < 10; n++) first.remove(bytes(`k${n}`))
    first.invalidateTags([3])
    await first.flush()
    const used = await run('--disk', folder, '--json', '-')
    expect(used.code).toBe(0)
    expect(JSON.parse(used.stdout)).toMatchObject({ sound: true, holder: { pid: process.pid, left: false } })
    await first.close()
    const { code, stdout } = await run('--disk', folder, '--json', '-')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      sound: true,
      holder: { pid: process.pid, left: true },
      shape: { partitions: 1 },
      partitions: [
        {
          owner: { epoch: 1, closed: true, synced: false },
          regions: { used: 1, finished: 1 },
          values: 100,
          tombstones: 10,
          tagInvalidations: 1,
          live: { values: 90 },
          compressed: 100,
          damagedRecords: 0,
          problems: [],
        },
      ],
    })
    const shown = await run('--disk', folder)
    expect(shown.stdout).toContain('90 keys live')
    expect(shown.stdout).toContain('sound')
  })

  test('finds damage, and says what is no folder of ours', async () => {
    const first = await store()
    for (let n = 0; n < 100; n++) put(first, `k${n}`, `value ${n}`)
    await first.close()
    const file = path.join(folder, 'ostraka.partition-0')
    const content = readFileSync(file)
    const at = content.indexOf('value 50')
    content[at] = 0
    writeFileSync(file, content)
    const { code, stdout } = await run('--disk', folder, '--json', '-')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ sound: false, partitions: [{ values: 99, damagedRecords: 1 }] })
    const other = await run('--disk', os.tmpdir())
    expect(other.code).toBe(2)
    expect(other.stderr).toContain('OSTRAKA_ERR_DISK_UNREADABLE')
    expect((await run()).stderr).toContain('inspect needs a folder')
  })
})
