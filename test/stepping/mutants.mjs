// Breaks the JavaScript engine on purpose, one rule of the protocol at a time, and shows that the stepping scheduler notices. Prints a
// table; ends with 1 if a mutant survives. `node test/stepping/mutants.mjs [part of a name]`, after a build.
import { campaign, efforts } from './harness/campaign.mjs'
import { Stage, scenarios } from './harness/stage.mjs'

/** Each: what is broken, the edits [file, find, by] of dist/engine/js, and the scenarios that ought to notice, by parts of their names. */
const mutants = [
  {
    name: 'no second scan before the commit',
    edits: [['index.js', /if \(!isAlone\(home, firstBucketOf[^{]*\{/, 'if (false) {']],
    notice: ['two insert', 'insert, insert'],
  },
  {
    name: 'the scan looks at one bucket only',
    edits: [['index.js', ' || !isAlone(home, secondBucketOf(home, key), key, slot)', '']],
    notice: ['two insert', 'insert, insert', 'two add'],
  },
  {
    name: 'an inserter is not kicked but passed by',
    edits: [['index.js', 'else if (home.kernel.cas64(slot, low, location, 0, 0) === 1)', 'else']],
    notice: ['two insert', 'insert, insert'],
  },
  {
    name: 'writers do not pin',
    edits: [
      ['epoch.js', 'cache.line + PIN, (cache.control[EPOCH] << Pin.epochShift) | Pin.pinned)', 'cache.line + PIN, 0)'],
    ],
    notice: ['memory comes round', 'chunk', 'two evict'],
  },
  {
    name: 'readers do not notice that they were expelled',
    edits: [
      [
        'epoch.js',
        'return Atomics.compareExchange(cache.control, cache.line + PIN, cache.pin, 0) === cache.pin',
        'Atomics.store(cache.control, cache.line + PIN, 0); return true',
      ],
    ],
    notice: ['a reader between', 'memory comes round'],
  },
  {
    name: 'no first grace: a sealed segment is walked at once',
    edits: [['hand.js', 'if (!waitForGrace(cache, home.field(index, Segment.epoch)))', 'if (false)']],
    notice: ['memory comes round', 'chunk', 'two evict', 'relocation'],
  },
  {
    name: 'no second grace: a drained segment is free at once',
    edits: [['segment.js', 'waitForGrace(cache, home.field(index, Segment.epoch))', 'true']],
    notice: ['a reader between', 'memory comes round'],
  },
  {
    name: 'REMOVING without its owner, and the count after the slot',
    edits: [
      ['index.js', '| SlotState.removing | ((cache.me + 1) << SLOT_OWNER_SHIFT)', '| SlotState.removing'],
      [
        'index.js',
        /if \(counts\)\s*bookUnlink\(cache, net, world\);\s*home\.kernel\.store64\(slot, 0, 0\);/,
        'home.kernel.store64(slot, 0, 0); if (counts) bookUnlink(cache, net, world);',
      ],
    ],
    notice: ['delete against', 'two take', 'insert, insert', 'last places'],
  },
  {
    name: 'a removal is announced by nobody',
    edits: [['index.js', 'announce(cache, Intent.unlink, home, slot, removing, location, net, world);', '']],
    notice: ['delete against', 'two take', 'insert, insert'],
  },
  {
    name: 'a linking is announced by nobody',
    edits: [['index.js', /(bookLink|announce)\(cache, Intent\.link, home, slot, low, location, net, world\);/, '']],
    notice: ['clear against', 'neighbours', 'last places'],
  },
  {
    name: 'the replaced record is not marked as seen',
    edits: [['record.js', 'Atomics.or(shard.words, at, RECORD_OBSERVED)', '0']],
    notice: ['an entry that outlives'],
  },
  {
    name: 'a removal that takes whatever stands there',
    edits: [
      [
        'index.js',
        'if (!home.rebind(slot, low, location, removing, location)) {',
        'home.kernel.store64(slot, removing, location); if (false) {',
      ],
    ],
    notice: ['two take', 'delete against', 'relocation'],
  },
  {
    name: 'a relocation that takes no look at what is there',
    edits: [
      [
        'relocate.js',
        'home.rebind(old.slot, old.low, from, memberLow(key.tag), at)',
        '(home.kernel.store64(old.slot, memberLow(key.tag), at), true)',
      ],
    ],
    notice: ['relocation', 'two evict', 'memory comes round'],
  },
  {
    name: 'a chunk is believed without a look at its segment',
    edits: [['allocate.js', /return \(chunk\.valid &&[^;]*;/, 'return chunk.valid;']],
    notice: ['chunk', 'memory comes round', 'two evict'],
  },
  {
    name: 'a place is taken without asking whether one is left',
    edits: [['accounting.js', 'if (ahead === 0 && count >>> 0 >= cache.maxEntries)', 'if (false)']],
    notice: ['last places'],
  },
  {
    name: 'a cleared segment stays readable',
    edits: [['read.js', 'if (ahead !== 0)', 'if (ahead > 0)']],
    notice: ['clear against'],
  },
  {
    name: 'a fill without a look at its lease',
    edits: [['write.js', /!hasLease\(w1\) \|\|\s*leaseOf\(home, location\) !== extra\.lease/, 'false']],
    notice: ['load against set', 'two load'],
  },
  {
    name: 'a lease without a look at who loads',
    edits: [['load.js', 'if (isLeaseLive(cache, request.running))', 'if (false)']],
    notice: ['two load', 'load against'],
  },
  {
    name: 'leases of the dead stay',
    edits: [['registry.js', 'abandonLeasesOf(cache, thread)', '0']],
    notice: ['two load', 'load against'],
  },
  {
    name: 'a live marker is evicted',
    edits: [['hand.js', 'if (isLeased(cache, home, location))', 'if (false)']],
    notice: ['a marker is moved'],
  },
  {
    name: 'a marker counts as an entry',
    edits: [
      [
        'index.js',
        'into.counts = into.ahead === 0 && !isMarker(home.words[location << 1])',
        'into.counts = into.ahead === 0',
      ],
    ],
    notice: ['load against', 'two load'],
  },
  {
    name: 'an exchange is announced to nobody near',
    edits: [
      [
        'shard.js',
        'this.kernel.rebind(slot, low, location, newLow, newLocation, version)',
        'this.kernel.cas64(slot, low, location, newLow, newLocation)',
      ],
    ],
    notice: ['near entry'],
  },
  {
    name: 'an exchange is closed before it happens',
    edits: [
      [
        'shard.js',
        'this.kernel.rebind(slot, low, location, newLow, newLocation, version)',
        '(this.kernel.addNumber(version, 256), this.kernel.cas64(slot, low, location, newLow, newLocation))',
      ],
    ],
    notice: ['near entry'],
  },
  {
    name: 'a seal although an exchange is in progress',
    edits: [['near.js', '!isSealed && (fresh & IN_PROGRESS) === 0', '!isSealed']],
    notice: ['near entry'],
  },
  {
    name: 'a seal although a tag is being invalidated',
    edits: [['tags.js', 'Atomics.store(cache.control, cache.line + INVALIDATING, 1);', '']],
    notice: ['near entry'],
  },
  {
    name: 'a seal without a look at the stamp of tags',
    edits: [
      [
        'near.js',
        /place < 0 && Atomics\.load\(this\.#control, TAG_STAMP_AT\)/,
        'false && Atomics.load(this.#control, TAG_STAMP_AT)',
      ],
    ],
    notice: ['near entry'],
  },
  {
    name: 'a seal is renewed without a look at the slot',
    edits: [['near.js', '!isSealed && (fresh & IN_PROGRESS) === 0', '(fresh & IN_PROGRESS) === 0']],
    notice: ['near entry'],
  },
  {
    name: 'a seal of a version that was seen after the slot',
    edits: [['near.js', 'seals[seal + LOW] = fresh;', 'seals[seal + LOW] = Atomics.load(words, version);']],
    notice: ['near entry'],
  },
  {
    name: 'a segment is freed without being cleared',
    edits: [['segment.js', 'home.words.fill(0, from, from + used * 2)', '0']],
    notice: ['memory comes round', 'two evict', 'chunk'],
  },
]

async function caught({ edits, notice }) {
  const stage = await Stage.open(edits)
  let played = 0
  try {
    for (const [number, { name }] of scenarios.entries()) {
      if (!notice.some((part) => name.includes(part))) continue
      const result = campaign(stage, number, efforts.mutant, 1)
      played += result.played
      if (result.failure !== undefined) return { played, by: name, how: result.failure.problems[0] }
    }
  } finally {
    await stage.close()
  }
  return { played, by: undefined, how: 'SURVIVED' }
}

const wanted = process.argv[2] ?? ''
let survivors = 0
console.log(`${'mutant'.padEnd(52)} ${'schedules'.padStart(9)}  caught by`)
for (const mutant of mutants) {
  if (!mutant.name.includes(wanted)) continue
  const { played, by, how } = await caught(mutant)
  if (by === undefined) survivors++
  console.log(`${mutant.name.padEnd(52)} ${String(played).padStart(9)}  ${by ?? ''}: ${how.slice(0, 110)}`)
}
process.exitCode = survivors === 0 ? 0 : 1
