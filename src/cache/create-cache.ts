// createCache: finds or makes the cache of a name and attaches this thread to it. Touches the registry of names (src/attach), new shared
// memory, and the list of engines that this thread has attached.
import { isMainThread } from 'node:worker_threads'
import { type OpenedCache, openCache } from '../attach/open-cache.js'
import { channelBytes, shapeFor } from '../channel/channel-layout.js'
import { ChannelMemory } from '../channel/channel-memory.js'
import { createRegions, type Regions } from '../engine/create.js'
import type { Engine } from '../engine/engine.js'
import { PolicyNumber } from '../engine/layout.js'
import { OstrakaError } from '../errors.js'
import { type CacheOptions, type CacheSettings, defaultName, type SharedSettings } from '../options/cache-options.js'
import { assertSameOptions } from '../options/differences.js'
import { readOptions } from '../options/validate.js'
import { ownersFor } from '../owners/owner-count.js'
import { OwnerMemory } from '../owners/owner-memory.js'
import { Observer } from '../stats/observer.js'
import { Cache, type CacheParts } from './cache.js'
import { splitKey } from './keys.js'
import { NamespaceTable } from './namespace-table.js'
import { NearCaches } from './near-caches.js'
import type { AnySchema, Schema } from './schema.js'
import { type EngineChoice, selectEngine } from './select-engine.js'
import { ThreadOwners } from './thread-owners.js'

/** An engine attached by this thread, used by all of its handles that want the same one for the same cache. */
interface Attachment {
  readonly engine: Engine
  readonly near: NearCaches
  readonly owners: ThreadOwners | undefined
  readonly observer: Observer
  handles: number
}

const attachments = new Map<string, Attachment>()

/**
 * The cache of this name, made if no thread of the process has it yet; the same line works in every thread. Synchronous: microseconds
 * where this thread knows the cache, about a millisecond where another thread must be asked, at most one second.
 *
 * Options of an existing cache must be the same wherever they are given. With no options but a `name`, `engine` and `near` it is "the
 * one that is there". Throws OSTRAKA_ERR_INVALID_OPTION (all faults at once), OSTRAKA_ERR_OPTIONS_DIFFER, OSTRAKA_ERR_NO_CACHE,
 * OSTRAKA_ERR_ATTACH_TIMEOUT, OSTRAKA_ERR_ENGINE_UNAVAILABLE, OSTRAKA_ERR_OUT_OF_MEMORY, OSTRAKA_ERR_TOO_MANY_THREADS.
 */
export function createCache<S extends Schema = AnySchema>(options?: CacheOptions): Cache<S> {
  const settings = readOptions(options)
  const choice = selectEngine(settings.engine)
  const opened = open(settings, options)
  try {
    const shared = opened.options as unknown as SharedSettings
    assertSameOptions(settings, shared)
    return new Cache<S>(parts(settings, shared, opened, choice))
  } catch (error) {
    opened.release()
    throw error
  }
}

function open(settings: CacheSettings, options: CacheOptions | undefined): OpenedCache {
  const { name, shared } = settings
  const create = () => createMemory(shared)
  const mine = { options: { ...shared } }
  if (settings.given.size > 0) return openCache(name, mine, create)
  // Nothing to make a cache of that somebody named. The default one is made of defaults: at once by the main thread, which is
  // there first, and by a worker only after it has looked for one that another thread has.
  const byDefault = name === defaultName && options?.name === undefined
  if (byDefault && isMainThread) return openCache(name, mine, create)
  try {
    return openCache(name, undefined, create)
  } catch (error) {
    if (!byDefault || !(error instanceof OstrakaError) || error.code !== 'OSTRAKA_ERR_NO_CACHE') throw error
    return openCache(name, mine, create)
  }
}

/** All shared memory of a cache; together at most `maxBytes`. */
function createMemory(shared: SharedSettings): Regions {
  const { count } = ownersFor(shared)
  if (count === 0) return createRegions(regionOptions(shared, 0))
  // One that nobody asked for has nothing to be asked for.
  const shape = shared.owners === 'auto' ? undefined : shapeFor(shared.maxBytes, count)
  const setAside = OwnerMemory.bytes(count) + (shape === undefined ? 0 : channelBytes(shape))
  const regions = createRegions(regionOptions(shared, setAside))
  const owners = new SharedArrayBuffer(OwnerMemory.bytes(count))
  OwnerMemory.initialise(owners, count)
  return { ...regions, owners, channel: shape === undefined ? undefined : ChannelMemory.create(shape) }
}

function regionOptions(shared: SharedSettings, setAside: number): Parameters<typeof createRegions>[0] {
  const { maxBytes, maxEntries, entryBytes, shards, seed } = shared
  return {
    maxBytes,
    maxEntries,
    entryBytes,
    shards,
    setAside,
    manualClock: shared.clock === 'manual',
    policy: PolicyNumber[shared.policy],
    seed: seed === undefined ? undefined : { low: Number(seed & 0xffffffffn), high: Number(seed >> 32n) },
  }
}

function parts(settings: CacheSettings, shared: SharedSettings, opened: OpenedCache, choice: EngineChoice): CacheParts {
  const key = `${choice.name}:${opened.incarnation}`
  let attachment = attachments.get(key)
  if (attachment === undefined) {
    const engine = choice.attach(opened.regions)
    const owners = lookAfterOwners(settings.name, shared, opened.regions, choice)
    const observer = new Observer(engine, opened.regions, shared.stats, { cache: settings.name, split: splitKey })
    attachment = { engine, near: new NearCaches(engine, opened.regions), owners, observer, handles: 0 }
    attachments.set(key, attachment)
    // Advice only: whoever attaches first gives it before most of the memory has been touched.
    if (shared.hugePages) attachment.engine.adviseHugePages?.()
  }
  const { engine, near, owners, observer } = attachment
  attachment.handles++
  return {
    name: settings.name,
    shared,
    engine,
    engineReason: choice.reason,
    near: settings.near,
    nearCaches: near,
    namespaces: new NamespaceTable(opened.regions),
    loads: settings.loads,
    observer,
    sharedBytes: sharedBytes(opened.regions),
    owners,
    ownersReason: ownersFor(shared).reason,
    leave: async (all) => {
      attachment.handles--
      if (attachment.handles === 0) {
        attachments.delete(key)
        near.release()
        owners?.leave()
        observer.release()
        engine.detach()
      }
      if (all) opened.closeAll()
      if (all || opened.release()) await owners?.end()
    },
  }
}

function lookAfterOwners(
  name: string,
  shared: SharedSettings,
  regions: Regions,
  choice: EngineChoice,
): ThreadOwners | undefined {
  const { owners } = regions
  if (owners === undefined) return undefined
  return new ThreadOwners({ name, engine: choice.name, regions, owners, atOnce: shared.owners !== 'auto' })
}

function sharedBytes(regions: Regions): number {
  const shards = regions.shards.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  const { control, observed, owners, channel } = regions
  const threads = (owners?.byteLength ?? 0) + (channel?.byteLength ?? 0)
  return control.buffer.byteLength + observed.byteLength + shards + threads
}
