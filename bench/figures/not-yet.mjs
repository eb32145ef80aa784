// Figures to hold of what cannot be measured yet, so that no list of figures is longer than it is complete.
import { notMeasured, report } from '../harness.mjs'

const disk = 'the disk tier is not connected to caches yet'
report([
  notMeasured('L2 hit, page cache warm, from a worker', '–', 'p50 ≤ 40 µs, p99 ≤ 1 ms', disk),
  notMeasured('… from the main thread', '–', 'p50 ≤ 70 µs, p99 ≤ 1 ms', disk),
  notMeasured('a read from a remote tier', 'as an order of magnitude', '< 10 ms', 'there is no remote tier yet'),
])
