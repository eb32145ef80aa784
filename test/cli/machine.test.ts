// What the control groups allow, read from made-up trees of /proc and /sys.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { machine } from '../../src/cli/machine.js'
import { coreQuota } from '../../src/owners/cores.js'

const made: string[] = []
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

function root(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'ostraka-machine-'))
  made.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

test.each([
  ['version 2', { 'proc/self/cgroup': '0::/app\n', 'sys/fs/cgroup/app/cpu.max': '150000 100000\n' }, 1.5],
  [
    'version 2, a tighter quota above',
    {
      'proc/self/cgroup': '0::/slice/app\n',
      'sys/fs/cgroup/slice/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/slice/app/cpu.max': '200000 100000\n',
    },
    0.5,
  ],
  ['version 2 without a quota', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, undefined],
  [
    'version 1',
    {
      'proc/self/cgroup': '3:cpuset:/x\n2:cpu,cpuacct:/x\n',
      'sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us': '400000\n',
      'sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us': '100000\n',
    },
    4,
  ],
  [
    'version 1 without a quota',
    {
      'proc/self/cgroup': '2:cpu:/\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    undefined,
  ],
  ['no control groups', {}, undefined],
])('%s', (_, files, quota) => {
  expect(coreQuota(root(files))).toBe(quota)
})

test('the modes of huge pages are those in brackets', () => {
  const folder = root({
    'sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
    'sys/kernel/mm/transparent_hugepage/shmem_enabled': 'always within_size advise [never] deny force\n',
  })
  expect(machine(folder).hugePages).toEqual({ anonymous: 'madvise', shared: 'never' })
  expect(machine(root({})).hugePages).toBeUndefined()
})
