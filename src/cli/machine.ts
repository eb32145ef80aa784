// What the machine allows this process: cores, memory, huge pages. May touch: /proc and /sys (reading).
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { coreQuota } from '../owners/cores.js'

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

function hugePages(root: string): Machine['hugePages'] {
  const folder = join(root, 'sys/kernel/mm/transparent_hugepage')
  const chosen = (name: string) => /\[(\w+)\]/.exec(text(join(folder, name)) ?? '')?.[1]
  const anonymous = chosen('enabled')
  return anonymous === undefined ? undefined : { anonymous, shared: chosen('shmem_enabled') ?? 'unknown' }
}
