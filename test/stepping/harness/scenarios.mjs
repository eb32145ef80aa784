// Small dramas for two or three threads. Each thread has a part: operations [kind, key, size of the value]; `before` is played by the first
// one alone. A world has few segments of 4 KiB and few buckets, so that everything meets. Touches nothing.
//
// `vanishes`: the drama may evict, so a miss proves nothing.

const times = (count, operation) => Array.from({ length: count }, () => operation)
/** So often that the entry is kept near and has its seal. */
const sealed = times(6, ['near', 'k'])

const fill = (from, count, size) => Array.from({ length: count }, (_, i) => ['set', `f${from + i}`, size])

export const scenarios = [
  {
    name: 'a sealed near entry against a replacement',
    before: [['set', 'k', 10], ...sealed],
    parts: [
      [
        ['near', 'k'],
        ['get', 'k'],
        ['near', 'k'],
      ],
      [['set', 'k', 10]],
    ],
  },
  {
    name: 'a sealed near entry, a removal and somebody who has seen it',
    before: [['set', 'k', 10], ...sealed],
    parts: [times(3, ['near', 'k']), [['delete', 'k']], [['get', 'k']]],
  },
  {
    name: 'a near entry gets its seal while it is replaced twice',
    before: [['set', 'k', 10], ...times(3, ['near', 'k'])],
    parts: [
      [...times(4, ['near', 'k']), ['get', 'k'], ['near', 'k']],
      [
        ['set', 'k', 10],
        ['set', 'k', 10],
      ],
    ],
  },
  {
    name: 'a sealed near entry whose tag is invalidated, and somebody who has seen it',
    before: [['tagged', 'k', 10], ...sealed],
    parts: [times(3, ['near', 'k']), [['invalidate', '']], [['get', 'k']]],
  },
  {
    name: 'a sealed near entry is replaced while the stamp of tags moves',
    before: [['tagged', 'k', 10], ...sealed],
    parts: [
      [
        ['near', 'k'],
        ['near', 'k'],
        ['get', 'k'],
        ['near', 'k'],
      ],
      [
        ['stir', ''],
        ['tagged', 'k', 10],
      ],
    ],
  },
  {
    name: 'a near entry gets its seal while its tag is invalidated',
    before: [['tagged', 'k', 10], ...times(3, ['near', 'k'])],
    parts: [[...times(4, ['near', 'k']), ['get', 'k'], ['near', 'k']], [['invalidate', '']]],
  },
  {
    name: 'a sealed near entry while memory comes round',
    vanishes: true,
    before: [['set', 'k', 400], ...sealed],
    parts: [times(4, ['near', 'k']), [...fill(0, 20, 1500), ['set', 'k', 400]]],
  },
  {
    name: 'two insert one key',
    parts: [
      [['set', 'k', 10]],
      [
        ['set', 'k', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'two add one key',
    parts: [
      [['add', 'k', 10]],
      [
        ['add', 'k', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'insert, insert, delete',
    parts: [
      [['set', 'k', 10]],
      [['set', 'k', 10]],
      [
        ['delete', 'k'],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'replace against get',
    before: [['set', 'k', 10]],
    parts: [
      [['set', 'k', 10]],
      [
        ['get', 'k'],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'delete against insert',
    before: [['set', 'k', 10]],
    parts: [
      [
        ['delete', 'k'],
        ['add', 'k', 10],
      ],
      [
        ['set', 'k', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'two take one value',
    before: [['set', 'k', 10]],
    parts: [
      [['take', 'k']],
      [
        ['take', 'k'],
        ['set', 'k', 10],
      ],
    ],
  },
  {
    name: 'two increments',
    before: [['increment', 'n', 0]],
    parts: [
      [['increment', 'n', 0]],
      [
        ['increment', 'n', 0],
        ['get', 'n'],
      ],
    ],
  },
  {
    name: 'clear against set',
    before: [['set', 'k', 10]],
    parts: [
      [['clear', '']],
      [
        ['set', 'k', 10],
        ['get', 'k'],
      ],
      [
        ['set', 'j', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'neighbours in full buckets',
    buckets: 2,
    vanishes: true,
    before: fill(0, 12, 10),
    parts: [
      [
        ['set', 'a', 10],
        ['set', 'b', 10],
      ],
      [
        ['set', 'b', 10],
        ['set', 'c', 10],
        ['get', 'a'],
      ],
    ],
  },
  {
    name: 'the last places under maxEntries',
    maxEntries: 3,
    buckets: 2,
    vanishes: true,
    before: [
      ['set', 'x', 10],
      ['set', 'y', 10],
    ],
    parts: [
      [
        ['set', 'a', 10],
        ['delete', 'x'],
      ],
      [
        ['set', 'b', 10],
        ['get', 'a'],
      ],
    ],
  },
  {
    name: 'an entry that outlives its inserter',
    maxEntries: 4,
    buckets: 2,
    before: [['set', 'x', 10]],
    parts: [
      [['set', 'a', 10]],
      [
        ['set', 'a', 10],
        ['delete', 'a'],
        ['get', 'a'],
      ],
    ],
  },
  {
    name: 'relocation against replace and get',
    vanishes: true,
    before: [['set', 'k', 10], ['get', 'k'], ['get', 'k'], ...fill(0, 9, 1500)],
    parts: [
      fill(20, 4, 1500),
      [
        ['set', 'k', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'memory comes round under a paused writer and reader',
    vanishes: true,
    before: [['set', 'k', 400], ...fill(0, 8, 1500)],
    parts: [
      fill(20, 14, 1500),
      [
        ['get', 'k'],
        ['set', 'k', 400],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'a chunk whose segment goes away',
    vanishes: true,
    parts: [
      fill(20, 14, 1500),
      [
        ['set', 'c', 30],
        ['set', 'd', 30],
        ['get', 'c'],
        ['get', 'd'],
      ],
    ],
  },
  {
    name: 'chains replaced, read and deleted',
    segments: 12,
    vanishes: true,
    before: [['set', 'k', 9000]],
    parts: [
      [['set', 'k', 9000]],
      [
        ['get', 'k'],
        ['delete', 'k'],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'two evict at once',
    vanishes: true,
    before: fill(0, 9, 1500),
    parts: [fill(20, 5, 1500), [...fill(30, 5, 1500), ['get', 'f31']]],
  },
  {
    name: 'a reader between two graces',
    vanishes: true,
    before: [['set', 'k', 400], ...fill(0, 10, 1500)],
    parts: [
      fill(20, 12, 1500),
      [
        ['get', 'k'],
        ['get', 'k'],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'two load one key',
    parts: [
      [['load', 'k', 10]],
      [
        ['load', 'k', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'load against delete',
    maxEntries: 3,
    buckets: 2,
    parts: [
      [
        ['load', 'k', 10],
        ['get', 'k'],
      ],
      [
        ['delete', 'k'],
        ['get', 'k'],
        ['load', 'k', 10],
      ],
    ],
  },
  {
    name: 'load against set, take and add',
    parts: [
      [['load', 'k', 10]],
      [
        ['set', 'k', 10],
        ['take', 'k'],
      ],
      [
        ['load', 'k', 10],
        ['add', 'k', 10],
      ],
    ],
  },
  {
    name: 'load against clear',
    maxEntries: 3,
    buckets: 2,
    parts: [
      [['load', 'k', 10]],
      [
        ['clear', ''],
        ['load', 'k', 10],
        ['get', 'k'],
      ],
    ],
  },
  {
    name: 'loads at the last places under maxEntries',
    maxEntries: 2,
    buckets: 2,
    vanishes: true,
    before: [['set', 'x', 10]],
    parts: [
      [
        ['load', 'a', 10],
        ['delete', 'x'],
      ],
      [
        ['load', 'b', 10],
        ['load', 'a', 10],
        ['get', 'a'],
      ],
    ],
  },
  {
    name: 'a marker is moved on while its load runs',
    vanishes: true,
    before: fill(0, 8, 1500),
    parts: [
      fill(20, 14, 1500),
      [
        ['load', 'k', 400],
        ['get', 'k'],
      ],
    ],
  },
]
