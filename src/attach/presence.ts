// Who is there: flags that a thread raises by joining a named group and that fall by themselves when it dies, and the question
// whether anybody else has raised one. May touch: BroadcastChannel only.
import { Blob } from 'node:buffer'
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'

/** Something that may have one receiver only; of all such things the cheapest to load. */
const QUESTION = new Blob(['?'])

/**
 * One thread's membership of a group of the process. Joining is seen by every later `alone()` of any thread at once, without
 * anybody's event loop turning; a thread's death ends it. Leaving takes effect when this thread's loop turns.
 */
export class Presence {
  readonly #group: string
  readonly #member: BroadcastChannel
  #second: BroadcastChannel | undefined

  constructor(group: string) {
    this.#group = group
    this.#member = join(group)
  }

  /**
   * Whether no other thread is in the group now. About 60 µs the first time.
   *
   * A message with a transferable part may have one receiver only, and Node checks this under the lock under which threads
   * join. With a second membership of our own as that receiver, the post fails exactly when somebody else is there.
   */
  alone(): boolean {
    this.#second ??= join(this.#group)
    try {
      this.#member.postMessage(QUESTION)
    } catch {
      return false
    }
    // Our own question; nobody else posts to a group of flags.
    take(this.#second)
    return true
  }

  /** Keeps the flag and gives up what only `alone()` needs. */
  settle(): void {
    this.#second?.close()
    this.#second = undefined
  }

  leave(): void {
    this.settle()
    this.#member.close()
  }
}

function join(group: string): BroadcastChannel {
  const channel = new BroadcastChannel(group)
  channel.unref()
  return channel
}

/** Like `alone()`, for a group that `member` belongs to for other purposes. Not checked by `presenceWorks`: a hint only. */
export function isAlone(member: BroadcastChannel, group: string): boolean {
  const second = join(group)
  try {
    member.postMessage(QUESTION)
    return true
  } catch {
    return false
  } finally {
    second.close()
  }
}

/** The next message of a channel without the event loop; Node's types know this of message ports only. */
export function take(channel: BroadcastChannel): { readonly message: unknown } | undefined {
  return receiveMessageOnPort(channel as unknown as MessagePort)
}

let works: boolean | undefined

/** Whether this Node still refuses a second receiver, tried out once a thread: a wrong `alone()` would split the process in two. */
export function presenceWorks(): boolean {
  if (works === undefined) {
    const group = `ostraka/trial/${Math.random()}`
    const one = new Presence(group)
    const first = one.alone()
    const other = new Presence(group)
    works = first && !one.alone()
    one.leave()
    other.leave()
  }
  return works
}

const probes = new Map<string, Presence>()

/**
 * Whether a group that the caller does not belong to is empty. Asking joins it until this thread's loop turns, so that others
 * may meanwhile see it as occupied: only an answer `true` is proof.
 */
export function isEmpty(group: string): boolean {
  let probe = probes.get(group)
  if (probe === undefined) {
    probe = new Presence(group)
    probes.set(group, probe)
    // Leaving takes effect on the next turn anyway; until then a second question must use the same membership.
    setImmediate(() => {
      probes.get(group)?.leave()
      probes.delete(group)
    }).unref()
  }
  return probe.alone()
}
