// All that the disk tier asks of an operating system, as one small interface, so that tests can put a failing disk in its place, and its
// fulfilment with node:fs. Nothing else under src/tiers/disk touches files.
import { close, constants, fdatasync, fstat, ftruncate, open as openByNumber, read, writev } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/** One open file. Positions and lengths are bytes. Every call may reject with an error of the system (`code`). */
export interface DiskFile {
  /** Reads up to `into.length` bytes; fewer only where the file ends. How many were read. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of these, one behind the other. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  /** What was written before survives a loss of power. */
  sync(): Promise<void>
  size(): Promise<number>
  resize(bytes: number): Promise<void>
  /** False once the file was removed from its folder. */
  linked(): Promise<boolean>
  close(): Promise<void>
}

export interface DiskIo {
  /** Makes the folder and those above it, for this user alone. */
  makeFolder(folder: string): Promise<void>
  /** Opens for reading and writing; made when absent, readable by this user alone. */
  open(file: string): Promise<DiskFile>
  /** Opens what is there for reading alone. */
  openToRead(file: string): Promise<DiskFile>
  /** The whole of a small file (at most `most` bytes of it); undefined when there is none. */
  readSmall(file: string, most: number): Promise<Uint8Array | undefined>
  /** Replaces a small file as a whole: a reader meets the old one or the new one. */
  replace(file: string, bytes: Uint8Array): Promise<void>
  /** Makes a small file that must not exist yet; false when it does. */
  create(file: string, bytes: Uint8Array): Promise<boolean>
  list(folder: string): Promise<string[]>
  /** Says that the file is still in use; `touched` is when that was last said, in ms, undefined without the file. */
  touch(file: string): Promise<void>
  touched(file: string): Promise<number | undefined>
  /** No error when there is none. */
  remove(file: string): Promise<void>
}

const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** By callbacks and numbers: file handles and their promises cost as much as the reading of what lies in the page cache. */
class NodeFile implements DiskFile {
  readonly #file: number

  constructor(file: number) {
    this.#file = file
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const next = (done: number) => {
        read(this.#file, into, done, into.length - done, position + done, (error, bytes) => {
          if (error) reject(error)
          else if (bytes === 0 || done + bytes === into.length) resolve(done + bytes)
          else next(done + bytes)
        })
      }
      next(0)
    })
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let left = [...parts]
    let at = position
    while (left.length > 0) {
      const { bytesWritten } = await writeParts(this.#file, left.slice(0, MOST_PARTS), at)
      if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' })
      at += bytesWritten
      left = withoutFirst(left, bytesWritten)
    }
  }

  sync(): Promise<void> {
    return syncData(this.#file)
  }

  async size(): Promise<number> {
    return (await statFile(this.#file)).size
  }

  resize(bytes: number): Promise<void> {
    return truncate(this.#file, bytes)
  }

  async linked(): Promise<boolean> {
    return (await statFile(this.#file)).nlink > 0
  }

  close(): Promise<void> {
    return closeFile(this.#file)
  }
}

const openFile = promisify(openByNumber)
const writeParts = promisify(writev)
const syncData = promisify(fdatasync)
const statFile = promisify(fstat)
const truncate = promisify(ftruncate)
const closeFile = promisify(close)

/** Systems take about a thousand parts in one call. */
const MOST_PARTS = 512

function withoutFirst(parts: Uint8Array[], bytes: number): Uint8Array[] {
  let index = 0
  let left = bytes
  while (index < parts.length && left >= (parts[index] as Uint8Array).length)
    left -= (parts[index++] as Uint8Array).length
  const rest = parts.slice(index)
  if (left > 0) rest[0] = (rest[0] as Uint8Array).subarray(left)
  return rest
}

const isCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code

export const nodeIo: DiskIo = {
  async makeFolder(folder) {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })
  },
  async open(file) {
    return new NodeFile(await openFile(file, constants.O_RDWR | constants.O_CREAT, PRIVATE_FILE))
  },
  async openToRead(file) {
    return new NodeFile(await openFile(file, constants.O_RDONLY))
  },
  async readSmall(file, most) {
    try {
      const opened = await nodeIo.openToRead(file)
      try {
        const bytes = new Uint8Array(most)
        return bytes.subarray(0, await opened.read(bytes, 0))
      } finally {
        await opened.close()
      }
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    }
  },
  async replace(file, bytes) {
    const fresh = `${file}.new`
    const handle = await open(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, PRIVATE_FILE)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(fresh, file)
    await syncFolder(path.dirname(file))
  },
  async create(file, bytes) {
    try {
      await writeFile(file, bytes, { flag: 'wx', mode: PRIVATE_FILE })
      return true
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false
      throw error
    }
  },
  async list(folder) {
    return readdir(folder)
  },
  async touch(file) {
    const now = new Date()
    await utimes(file, now, now)
  },
  async touched(file) {
    try {
      return (await stat(file)).mtimeMs
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    }
  },
  async remove(file) {
    try {
      await unlink(file)
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error
    }
  },
}

/** So that a rename survives a loss of power; where folders cannot be synced (Windows), the system sees to that itself. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!['EPERM', 'EACCES', 'EISDIR', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
