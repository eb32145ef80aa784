// The thread of an owner: attaches to the cache it is told of and does its duty until the cache is closed, nobody holds it any more, or
// another has been started in its place. Runs no code of users; starts nothing. Blocks between rounds, so it is woken by its doorbell, not by
// messages. May touch: its row of the owners' memory, and the cache through an engine of its own.
import { setEnvironmentData, threadId, workerData } from 'node:worker_threads'
import { ownLifeSign } from '../attach/thread-life.js'
import { KEY } from '../attach/wire.js'
import { selectEngine } from '../cache/select-engine.js'
import { Duty, OVER } from '../owners/duty.js'
import type { OwnerData } from '../owners/owner-data.js'
import { Row } from '../owners/owner-layout.js'
import { OwnerMemory } from '../owners/owner-memory.js'
import { Observer } from '../stats/observer.js'

// What every worker inherits keeps alive the memory of all caches that there were.
setEnvironmentData(KEY, undefined as never)

function main({ memory: buffer, index, epoch, engine: name, regions }: OwnerData): void {
  const memory = new OwnerMemory(buffer)
  const engine = selectEngine(name).attach(regions)
  if (!memory.begin(index, epoch, ownLifeSign(), threadId + 1)) {
    engine.detach()
    return
  }
  const observer = new Observer(engine, regions, 'sampled')
  const duty = new Duty(memory, index, epoch, engine, regions)
  const doorbell = memory.at(index, Row.doorbell)
  for (;;) {
    // Before the round: what is rung for during it is not slept over.
    const seen = Atomics.load(memory.words, doorbell)
    const wait = duty.round()
    observer.turn()
    if (wait === OVER) break
    if (wait > 0) Atomics.wait(memory.words, doorbell, seen, wait)
  }
  observer.release()
  duty.end()
}

main(workerData as OwnerData)
