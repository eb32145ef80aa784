// Figures to hold of what cannot be measured yet, so that no list of figures looks more complete than it is.
import { notMeasured, report } from '../harness.mjs'

const disk = 'the disk tier is not connected to caches yet; by itself it is measured in disk.mjs'
const remote = 'there is no remote tier yet'
report([
  notMeasured('L2 hit of a cache, page cache warm, from a worker', '–', 'p50 ≤ 40 µs, p99 ≤ 1 ms', disk),
  notMeasured('… from the main thread', '–', 'p50 ≤ 70 µs, p99 ≤ 1 ms', disk),
  notMeasured('a read from a remote tier', 'as an order of magnitude', '< 10 ms', remote),
])
