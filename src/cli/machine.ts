// What the machine allows this process: cores, memory, huge pages. May touch: /proc and /sys (reading).
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'

export interface Machine {
  /** Cores that the scheduler may use for this process. */
  readonly cores: number
  /** Cores' worth of time that the control group grants; undefined: no limit. */
  readonly coreQuota: number | undefined
  readonly memory: number
  /** Bytes that the control group allows; undefined: no limit. */
  readonly memoryLimit: number | undefined
  /** The system's modes of transparent huge pages; undefined where it has none. */
  readonly hugePages: { readonly anonymous: string; readonly shared: string } | undefined
}

export function machine(root = '/'): Machine {
  const memory = totalmem()
  const limit = process.constrainedMemory() as number | undefined
  return {
    cores: availableParallelism(),
    coreQuota: coreQuota(root),
    memory,
    // Without a limit the kernel reports a number near 2^63, or 0.
    memoryLimit: limit !== undefined && limit > 0 && limit < memory ? limit : undefined,
    hugePages: hugePages(root),
  }
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The tightest quota of the process's control group and all above it; of version 2 or 1 of control groups. */
export function coreQuota(root = '/'): number | undefined {
  let least: number | undefined
  for (const line of text(join(root, 'proc/self/cgroup'))?.split('\n') ?? []) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    const unified = controllers === ''
    if (!unified && !controllers.split(',').includes('cpu')) continue
    const base = join(root, 'sys/fs/cgroup', unified ? '' : controllers)
    const parts = path.split('/').filter((part) => part !== '' && part !== '..')
    for (let depth = parts.length; depth >= 0; depth--) {
      const quota = quotaOf(join(base, ...parts.slice(0, depth)), unified)
      if (quota !== undefined) least = Math.min(least ?? quota, quota)
    }
  }
  return least
}

function quotaOf(group: string, unified: boolean): number | undefined {
  const [quota, period] = unified
    ? (text(join(group, 'cpu.max'))?.split(/\s+/) ?? [])
    : [text(join(group, 'cpu.cfs_quota_us')), text(join(group, 'cpu.cfs_period_us'))]
  // "max" in version 2 and −1 in version 1 mean that there is none.
  const share = Number(quota) / Number(period)
  return share > 0 && Number.isFinite(share) ? share : undefined
}

function hugePages(root: string): Machine['hugePages'] {
  const folder = join(root, 'sys/kernel/mm/transparent_hugepage')
  const chosen = (name: string) => /\[(\w+)\]/.exec(text(join(folder, name)) ?? '')?.[1]
  const anonymous = chosen('enabled')
  return anonymous === undefined ? undefined : { anonymous, shared: chosen('shmem_enabled') ?? 'unknown' }
}
