// Finds what somebody meant who typed an unknown option. Touches nothing.

// What the neighbours of this package call the same thing.
const otherNames: Readonly<Record<string, string>> = {
  max: 'maxEntries',
  maxsize: 'maxBytes',
  maxmemory: 'maxBytes',
  maxkeys: 'maxEntries',
  maxitems: 'maxEntries',
  limit: 'maxEntries',
  size: 'maxBytes',
  bytes: 'maxBytes',
  capacity: 'maxEntries',
  stdttl: 'ttl',
  maxage: 'ttl',
  expires: 'ttl',
  expiresin: 'ttl',
  ex: 'ttl',
  px: 'ttl',
  maxidle: 'idle',
  idletimeout: 'idle',
  jitter: 'ttlJitter',
  serializer: 'codec',
  encoding: 'codec',
  threads: 'owners',
  workers: 'owners',
  native: 'engine',
  l1: 'near',
  local: 'near',
  redis: 'remote',
  l2: 'disk',
}

/** The name among `known` that `unknown` probably means, or `undefined` when nothing is near enough. */
export function suggest(unknown: string, known: readonly string[]): string | undefined {
  const other = otherNames[unknown.toLowerCase()]
  if (other !== undefined && known.includes(other)) return other
  let best: string | undefined
  let bestDistance = Math.min(3, Math.ceil(unknown.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(unknown.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Least number of letters to insert, delete or replace (Levenshtein), over one rolling row. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] as number
    row[0] = i
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] as number
      const replaced = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(replaced, above + 1, (row[j - 1] as number) + 1)
      diagonal = above
    }
  }
  return row[b.length] as number
}
