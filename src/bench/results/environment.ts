// On what and of what something was measured. May touch: os, the package's own manifest, git in the current folder (reading).
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import os from 'node:os'

export interface Environment {
  readonly date: string
  readonly ostraka: string
  /** Of the repository that the command ran in; absent outside one. `+` where files had changed. */
  readonly commit: string | undefined
  readonly node: string
  readonly v8: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** Processes that wanted to run when measuring began, over a minute: far above 0 means that others disturbed it. */
  readonly loadAverage: number
  /** The same for machines of one kind with one Node: results of different ones are not compared. */
  readonly machine: string
}

export function environment(): Environment {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown'
  const platform = `${process.platform}-${process.arch}`
  const cores = os.availableParallelism()
  // In steps of a GiB: what the kernel keeps for itself differs from boot to boot.
  const shape = [cpu, cores, Math.round(os.totalmem() / 2 ** 30), platform, process.versions.node.split('.')[0]]
  return {
    date: new Date().toISOString(),
    ostraka: String((manifest as { version: unknown }).version),
    commit: commit(),
    node: process.version,
    v8: process.versions.v8,
    platform,
    cpu,
    cores,
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg()[0]!,
    machine: createHash('sha256').update(shape.join('|')).digest('hex').slice(0, 12),
  }
}

function commit(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    return git('rev-parse', '--short=12', 'HEAD').trim() + (git('status', '--porcelain', '-uno') === '' ? '' : '+')
  } catch {
    return undefined
  }
}
