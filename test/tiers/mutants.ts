// Faults planted in the log, one at a time, that tests of histories must notice: each would let something come back that was gone, or lose it unnoticed.
import { Appender } from '../../src/tiers/disk/appender.js'
import { RecordType } from '../../src/tiers/disk/record.js'
import { RegionLog } from '../../src/tiers/disk/region-log.js'
import { Regions } from '../../src/tiers/disk/regions.js'
import { TagTable } from '../../src/tiers/disk/tag-table.js'
import { TwinBlocks } from '../../src/tiers/disk/twin-blocks.js'

/** Replaces a method until the returned function is called. */
function patch<T extends object, K extends keyof T>(owner: T, name: K, make: (original: T[K]) => T[K]): () => void {
  const original = owner[name]
  owner[name] = make(original)
  return () => {
    owner[name] = original
  }
}

export const mutants: Readonly<Record<string, () => () => void>> = {
  'tombstones die with their region': () => patch(Regions.prototype, 'oldestLife', () => () => Infinity),
  'a delete writes no tombstone': () =>
    patch(
      RegionLog.prototype,
      'remove',
      () =>
        function (this: RegionLog, hash) {
          if (this.index.find(hash)) this.killCurrent()
        },
    ),
  'what is copied on gets a new sequence': () =>
    patch(
      Appender.prototype,
      'append',
      (original) =>
        function (this: Appender, record, lifetime, urgent) {
          const copied = urgent && record.type === RecordType.value
          return original.call(
            this,
            copied ? { ...record, sequence: record.sequence + 5000 } : record,
            lifetime,
            urgent,
          )
        },
    ),
  'values do not say that they bury older ones': () =>
    patch(
      Appender.prototype,
      'append',
      (original) =>
        function (this: Appender, record, lifetime, urgent) {
          return original.call(this, { ...record, shadows: false }, lifetime, urgent)
        },
    ),
  'any record wins over an older one that was loaded before it': () =>
    patch(
      RegionLog.prototype,
      'admitFound',
      (original) =>
        function (this: RegionLog, entry, region) {
          if (this.index.find(entry.hash)) this.index.remove()
          original.call(this, entry, region)
        },
    ),
  'invalidated tags are only known in memory': () =>
    patch(
      RegionLog.prototype,
      'invalidateTags',
      (original) =>
        function (this: RegionLog, tags) {
          const append = this.appender.append
          this.appender.append = () => 1
          original.call(this, tags)
          this.appender.append = append
        },
    ),
  'generations of tags are not stored before footers': () =>
    patch(
      TagTable.prototype,
      'raise',
      (original) =>
        function (this: TagTable, tags, sequence) {
          original.call(this, tags, sequence)
          this.changed = false
        },
    ),
  'the floor is not stored': () =>
    patch(
      TwinBlocks.prototype,
      'store',
      (original) =>
        function (this: TwinBlocks<never>, file, value) {
          return original.call(this, file, { ...(value as object), floor: 0 } as never)
        },
    ),
}
