// Walking over all keys, bucket by bucket, weakly consistent: a live key never changes its slot, so one that stays during the whole walk
// is met exactly once (docs/slab.md 4). May touch: nothing but a reader's pin.

import { BUCKET_BYTES, BUCKET_SLOTS, SLOT_BYTES, SLOTS } from '../layout.js'
import type { Attachment } from './attachment.js'
import { pinRead, unpinRead } from './epoch.js'
import { examine } from './index.js'
import { decodeKey } from './keys.js'
import { isSound, keyBytes, keyWord } from './record.js'
import type { Shard } from './shard.js'
import { Standing, standing } from './times.js'

/** A sparse index is walked in bounded calls too. */
const BUCKETS_PER_CALL = 65_536

/**
 * Appends keys that begin with `prefix` to `into`, at least `limit` of them unless the end comes first (a bucket is never cut). Returns where
 * to go on, 0 at the end. With `all` also keys whose value is stale, or is being loaded.
 */
export function scan(
  cache: Attachment,
  cursor: number,
  limit: number,
  prefix: string,
  into: string[],
  all: boolean,
): number {
  const perShard = cache.shards[0].buckets
  const total = perShard * cache.shards.length
  const last = Math.min(total, cursor + BUCKETS_PER_CALL)
  const wanted = into.length + limit
  let at = cursor
  while (at < last && into.length < wanted) {
    const home = cache.shards[Math.floor(at / perShard)]
    const length = into.length
    pinRead(cache)
    scanBucket(cache, home, home.bucketOffset + (at % perShard) * BUCKET_BYTES, prefix, into, all)
    if (unpinRead(cache)) at++
    else into.length = length
  }
  return at < total ? at : 0
}

function scanBucket(
  cache: Attachment,
  home: Shard,
  bucket: number,
  prefix: string,
  into: string[],
  all: boolean,
): void {
  const world = cache.world()
  const { victim } = cache
  for (let index = 0; index < SLOTS; index++) {
    if (!examine(home, bucket + BUCKET_SLOTS + index * SLOT_BYTES, world, victim) || victim.ahead !== 0) continue
    const { location } = victim
    if (!isSound(home, location)) continue
    const stands = standing(cache, home, location)
    if (stands !== Standing.fresh && (!all || stands === Standing.gone)) continue
    const at = location << 1
    const start = location * 8 + keyWord(home, location, home.words[at]) * 4
    // The record may have become another one since it was checked.
    const end = Math.min(start + keyBytes(home.words[at + 1]), home.buffer.length)
    const key = decodeKey(home.buffer, Math.min(start, end), end)
    if (key.startsWith(prefix)) into.push(key)
  }
}
