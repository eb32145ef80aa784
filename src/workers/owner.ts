// The thread of an owner: attaches to the cache it is told of and does its duty, and what it is asked for by the channel, until the cache is closed,
// nobody holds it any more, or another has been started in its place. Runs no code of users. Between rounds it blocks and is woken by its
// doorbell, not by messages; while a service waits for something it goes by its event loop.
// May touch: its row of the owners' memory, its lanes of the channel, and the cache through an engine of its own.
import { setEnvironmentData, threadId, workerData } from 'node:worker_threads'
import { ownLifeSign } from '../attach/thread-life.js'
import { KEY } from '../attach/wire.js'
import { selectEngine } from '../cache/select-engine.js'
import { ChannelMemory } from '../channel/channel-memory.js'
import { ChannelServer } from '../channel/server.js'
import { Duty, OVER } from '../owners/duty.js'
import type { OwnerData } from '../owners/owner-data.js'
import { OwnerMemory } from '../owners/owner-memory.js'
import { Rest } from '../owners/rest.js'
import { Observer } from '../stats/observer.js'
import { servicesOf } from './services.js'

/** After requests the next ones are looked for so long before the thread sleeps: waking it costs more than that. */
const SPIN_MS = 0.03
/** Between turns of the event loop where requests come without end. */
const YIELD_MS = 2
/** How long services may take to end. */
const END_BOUND_MS = 1_000
const SWEEP_MS = 500

// What every worker inherits keeps alive the memory of all caches that there were.
setEnvironmentData(KEY, undefined as never)

const { memory: buffer, channel, index, epoch, engine: name, regions } = workerData as OwnerData
const memory = new OwnerMemory(buffer)
const engine = selectEngine(name).attach(regions)

if (memory.begin(index, epoch, ownLifeSign(), threadId + 1)) await work()
else engine.detach()

async function work(): Promise<void> {
  const duty = new Duty(memory, index, epoch, engine, regions)
  const observer = new Observer(engine, regions, 'sampled')
  const server =
    channel === undefined ? undefined : new ChannelServer(new ChannelMemory(channel), index, epoch, servicesOf(duty))
  const rest = new Rest(memory, index)
  let due = 0
  let sweepAt = 0
  let spinUntil = 0
  let yieldAt = 0
  for (;;) {
    // Before looking: what is rung for meanwhile is not slept over.
    const seen = rest.look()
    const served = server?.serve() ?? 0
    const now = performance.now()
    if (now >= due) {
      const wait = duty.round()
      observer.turn()
      if (wait === OVER) break
      due = performance.now() + wait
    }
    if (server === undefined) {
      if (due > now) rest.sleep(seen, due - now)
      continue
    }
    if (now >= sweepAt) {
      server.sweep()
      sweepAt = now + SWEEP_MS
    }
    if (served > 0) spinUntil = now + SPIN_MS
    if (server.inHand > 0) {
      if (served === 0 && due > now) await rest.wait(seen, due - now)
      else if (now >= yieldAt) {
        await new Promise(setImmediate)
        yieldAt = performance.now() + YIELD_MS
      }
    } else if (served === 0 && now >= spinUntil && due > now && !server.hasNews) rest.sleep(seen, due - now)
  }
  if (server !== undefined) await end(server)
  observer.release()
  duty.end()
  // In the same turn: a service that has not come back in time must not write where somebody else may be by then.
  process.exit()
}

async function end(server: ChannelServer): Promise<void> {
  const until = performance.now() + END_BOUND_MS
  const closed = server.close().catch(() => undefined)
  const bound = new Promise<void>((resolve) => setTimeout(resolve, END_BOUND_MS))
  await Promise.race([closed, bound])
  while (server.inHand > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
}
