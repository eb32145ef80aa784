// How many cores this process may use, which decides whether a cache gets threads of its own. May touch: /proc and /sys (reading).
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/** Cores' worth of time that this process gets at most; computed once, since it takes some file reads. */
export function allowedCores(): number {
  known ??= Math.min(availableParallelism(), coreQuota() ?? Infinity)
  return known
}

let known: number | undefined

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

function text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}
