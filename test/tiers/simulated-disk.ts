// A disk in memory that fails on request: torn, dropped and reordered writes, errors, short reads, flipped bits; and processes that end at any moment.
// Every process sees the disk through an interface of its own, which has no effect any more once the process is dead.
import type { DiskFile, DiskIo } from '../../src/tiers/disk/io.js'

interface Write {
  readonly position: number
  readonly bytes: Uint8Array
}

class StoredFile {
  /** What readers see. */
  bytes = new Uint8Array(0)
  /** What survives a loss of power for certain, and what was written since. */
  durable = new Uint8Array(0)
  unsynced: Write[] = []
  links = 1
  touched = 0

  apply({ position, bytes }: Write): void {
    const end = position + bytes.length
    if (end > this.bytes.length) this.resize(end)
    this.bytes.set(bytes, position)
  }

  resize(length: number): void {
    const bytes = new Uint8Array(length)
    bytes.set(this.bytes.subarray(0, length))
    this.bytes = bytes
  }
}

export type Operation =
  | 'read'
  | 'write'
  | 'sync'
  | 'resize'
  | 'open'
  | 'remove'
  | 'replace'
  | 'create'
  | 'list'
  | 'size'
/** What happens to one operation instead of what was asked. */
export type Fault = { readonly code: string } | { readonly short: number } | 'stuck' | undefined

export const failure = (code: string): Error => Object.assign(new Error(`${code}: simulated`), { code })

export class SimulatedDisk {
  readonly files = new Map<string, StoredFile>()
  /** Asked before every operation. */
  fault: (operation: Operation, file: string, position: number) => Fault = () => undefined
  readonly random: () => number
  bytesWritten = 0
  /** Operations that are stuck: each goes on when it is called. */
  readonly stuck: (() => void)[] = []
  #alive: Process | undefined

  constructor(random: () => number = Math.random) {
    this.random = random
  }

  /** The disk as a new process sees it; the one before, if it still lives, goes on. */
  process(): DiskIo {
    this.#alive = new Process(this)
    return this.#alive
  }

  /** The process ends: writes under way are torn at any byte, others stay. */
  kill(): void {
    this.#alive?.die((write) => write.bytes.length * this.random())
  }

  /** The power fails: what was not synced since may be there or not, in any order and torn. */
  powerFailure(): void {
    this.#alive?.die(() => 0)
    for (const file of this.files.values()) {
      file.bytes = file.durable.slice()
      for (const write of shuffled(file.unsynced, this.random)) {
        if (this.random() < 0.5) continue
        const kept = this.random() < 0.5 ? write.bytes.length : Math.floor(this.random() * write.bytes.length)
        file.apply({ position: write.position, bytes: write.bytes.subarray(0, kept) })
      }
      file.unsynced = []
      file.durable = file.bytes.slice()
    }
  }

  flip(name: string, byte: number, bit = 0): void {
    const file = this.files.get(name)
    if (file && byte < file.bytes.length) file.bytes[byte] = (file.bytes[byte] as number) ^ (1 << bit)
  }
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const all = [...list]
  for (let index = all.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    ;[all[index], all[other]] = [all[other] as T, all[index] as T]
  }
  return all
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

class Process implements DiskIo {
  readonly #disk: SimulatedDisk
  #dead = false
  readonly #underWay = new Map<Write, StoredFile>()

  constructor(disk: SimulatedDisk) {
    this.#disk = disk
  }

  die(kept: (write: Write) => number): void {
    this.#dead = true
    for (const [write, file] of this.#underWay) {
      const torn = { position: write.position, bytes: write.bytes.subarray(0, Math.floor(kept(write))) }
      file.apply(torn)
      file.unsynced.push(torn)
    }
    this.#underWay.clear()
  }

  async begin(operation: Operation, file: string, position = 0): Promise<{ short: number } | undefined> {
    await turn()
    // Nobody hears from the dead.
    if (this.#dead) return new Promise(() => {})
    const fault = this.#disk.fault(operation, file, position)
    if (fault === undefined) return undefined
    if (fault === 'stuck') {
      await new Promise<void>((resolve) => {
        this.#disk.stuck.push(resolve)
      })
      return this.#dead ? new Promise(() => {}) : undefined
    }
    if ('code' in fault) throw failure(fault.code)
    return fault
  }

  file(name: string, stored: StoredFile): DiskFile {
    const disk = this.#disk
    return {
      read: async (into, position) => {
        const fault = await this.begin('read', name, position)
        const bytes = stored.bytes.subarray(position, position + into.length)
        const length = Math.min(bytes.length, fault?.short ?? Infinity)
        into.set(bytes.subarray(0, length))
        return length
      },
      write: async (parts, position) => {
        const write = { position, bytes: Uint8Array.from(Buffer.concat(parts)) }
        this.#underWay.set(write, stored)
        try {
          await this.begin('write', name, position)
        } finally {
          this.#underWay.delete(write)
        }
        stored.apply(write)
        stored.unsynced.push(write)
        disk.bytesWritten += write.bytes.length
      },
      sync: async () => {
        await this.begin('sync', name)
        stored.durable = stored.bytes.slice()
        stored.unsynced = []
      },
      size: async () => {
        await this.begin('size', name)
        return stored.bytes.length
      },
      resize: async (bytes) => {
        await this.begin('resize', name)
        stored.resize(bytes)
        // File systems keep lengths in a journal of their own.
        const durable = new Uint8Array(bytes)
        durable.set(stored.durable.subarray(0, bytes))
        stored.durable = durable
      },
      linked: async () => stored.links > 0,
      close: async () => {},
    }
  }

  async makeFolder(): Promise<void> {}

  async open(name: string): Promise<DiskFile> {
    await this.begin('open', name)
    const stored = this.#disk.files.get(name) ?? new StoredFile()
    this.#disk.files.set(name, stored)
    return this.file(name, stored)
  }

  async openToRead(name: string): Promise<DiskFile> {
    await this.begin('open', name)
    const stored = this.#disk.files.get(name)
    if (stored === undefined) throw failure('ENOENT')
    return this.file(name, stored)
  }

  async readSmall(name: string, most: number): Promise<Uint8Array | undefined> {
    await this.begin('read', name)
    return this.#disk.files.get(name)?.bytes.slice(0, most)
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.begin('replace', name)
    this.#put(name, bytes)
  }

  #put(name: string, bytes: Uint8Array): void {
    const stored = new StoredFile()
    stored.bytes = Uint8Array.from(bytes)
    stored.durable = stored.bytes.slice()
    this.#disk.files.set(name, stored)
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    await this.begin('create', name)
    if (this.#disk.files.has(name)) return false
    this.#put(name, bytes)
    return true
  }

  async list(folder: string): Promise<string[]> {
    await this.begin('list', folder)
    return [...this.#disk.files.keys()]
      .filter((name) => name.startsWith(`${folder}/`))
      .map((name) => name.slice(folder.length + 1))
  }

  async touch(name: string): Promise<void> {
    await this.begin('write', name)
    const stored = this.#disk.files.get(name)
    if (stored) stored.touched++
  }

  async touched(name: string): Promise<number | undefined> {
    await this.begin('read', name)
    return this.#disk.files.get(name)?.touched
  }

  async remove(name: string): Promise<void> {
    await this.begin('remove', name)
    const stored = this.#disk.files.get(name)
    if (stored) stored.links--
    this.#disk.files.delete(name)
  }
}
