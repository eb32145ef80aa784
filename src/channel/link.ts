// One thread's link to one owner: a lane while that owner lives, what is under way on it, and what waits for a place. Never blocks. Space is looked
// for before anything is written; what finds none waits, in order, until answers give some back or its time is over.
// May touch: its lane; the doorbell of the owner.
import { ownLifeSign } from '../attach/thread-life.js'
import { OstrakaError } from '../errors.js'
import { Row, State } from '../owners/owner-layout.js'
import type { OwnerMemory } from '../owners/owner-memory.js'
import {
  ANSWER_WORDS,
  AnswerField,
  AnswerStatus,
  CANCEL,
  Lane,
  MAX_ERROR_BYTES,
  REQUEST_WORDS,
  Request,
  STAGING_UNIT,
} from './channel-layout.js'
import type { ChannelMemory } from './channel-memory.js'
import { clock } from './clock.js'
import type { Carrier, Pending } from './pending.js'
import { RingReader, RingWriter } from './ring.js'
import { Staging } from './staging.js'
import { changed } from './wait-async.js'

/** Requests that wait for a place; one more is refused. */
const MOST_WAITING = 4_096

const decoder = new TextDecoder()

class OpenLane {
  readonly number: number
  readonly epoch: number
  readonly at: number
  readonly requests: RingWriter
  readonly answers: RingReader
  readonly staging: Staging
  /** By what they are called; also those that nobody waits for any more, since the owner may still write into their memory. */
  readonly underWay = new Map<number, Pending>()
  nextId = 1
  isListening = false

  constructor(memory: ChannelMemory, owner: number, number: number, epoch: number) {
    const { words, shape } = memory
    const at = memory.lane(owner, number)
    const { requestHead, requestTail, answerHead, answerTail } = Lane
    this.number = number
    this.epoch = epoch
    this.at = at
    const [depth, requests, answers] = [shape.depth, memory.requestsAt(at), memory.answersAt(at)]
    this.requests = new RingWriter(words, at + requestHead, at + requestTail, requests, depth, REQUEST_WORDS)
    this.answers = new RingReader(words, at + answerHead, at + answerTail, answers, depth, ANSWER_WORDS)
    this.staging = new Staging(shape.staging)
  }
}

export class Link implements Carrier {
  readonly #memory: ChannelMemory
  readonly #owners: OwnerMemory
  readonly #owner: number
  readonly #waiting: Pending[] = []
  #lane: OpenLane | undefined
  #ringsSoon = false
  readonly #ring = () => this.#ringNow()

  constructor(memory: ChannelMemory, owners: OwnerMemory, owner: number) {
    this.#memory = memory
    this.#owners = owners
    this.#owner = owner
  }

  /** Sends it, or lets it wait; settles it if that is hopeless. */
  submit(pending: Pending): void {
    if (Math.max(pending.payload.length, pending.room) > this.#memory.shape.staging) {
      const most = this.#memory.shape.staging
      pending.fail(full(`A request and its answer have ${most} bytes at most`))
      return
    }
    if (this.#waiting.length === 0 && this.#send(pending)) return
    if (pending.isSettled) return
    if (this.#waiting.length >= MOST_WAITING) {
      pending.fail(full(`${MOST_WAITING} requests wait for owner ${this.#owner} already`))
      return
    }
    this.#waiting.push(pending)
  }

  /** Looks after what no answer will settle. */
  sweep(): void {
    const lane = this.#lane
    if (lane !== undefined && !this.#owners.isRunning(this.#owner, lane.epoch)) this.#abandon(lane)
    const now = clock()
    for (const pending of this.#lane?.underWay.values() ?? []) {
      if (pending.isSettled || ((pending.deadline - now) | 0) > 0) continue
      pending.fail(late(this.#owner))
      this.cancel(pending)
    }
    for (const pending of this.#waiting) if (((pending.deadline - now) | 0) <= 0) pending.fail(late(this.#owner))
    this.#sendWaiting()
  }

  /** Nobody has asked for a while: somebody else may need the lane more. */
  rest(): void {
    if (this.#lane !== undefined && this.#lane.underWay.size === 0) this.#leave(this.#lane)
  }

  close(reason: unknown): void {
    for (const pending of this.#waiting.splice(0)) pending.fail(reason)
    const lane = this.#lane
    if (lane === undefined) return
    for (const pending of lane.underWay.values()) pending.fail(reason)
    this.#leave(lane)
  }

  #leave(lane: OpenLane): void {
    this.#lane = undefined
    this.#memory.close(this.#owner, lane.number, lane.epoch)
    if (this.#owners.isRunning(this.#owner, lane.epoch)) this.#owners.ring(this.#owner)
    else this.#memory.free(this.#owner, lane.number)
  }

  #sendWaiting(): void {
    let sent = 0
    for (const pending of this.#waiting) {
      if (!pending.isSettled && !this.#send(pending) && !pending.isSettled) break
      sent++
    }
    if (sent > 0) this.#waiting.splice(0, sent)
  }

  #send(pending: Pending): boolean {
    const lane = this.#openLane(pending)
    if (lane === undefined || lane.underWay.size >= this.#memory.shape.depth || lane.requests.room() <= 0) return false
    const taken = Math.max(pending.payload.length, pending.room, STAGING_UNIT)
    const offset = lane.staging.take(taken)
    if (offset < 0) return false
    const id = lane.nextId
    lane.nextId = (id + 1) | 0 || 1
    pending.id = id
    pending.offset = offset
    pending.taken = taken
    pending.carrier = this
    lane.underWay.set(id, pending)
    const { bytes, words } = this.#memory
    if (pending.payload.length > 0) bytes.set(pending.payload, this.#memory.stagingAt(lane.at) + offset)
    const at = lane.requests.place()
    words[at + Request.id] = id
    words[at + Request.kind] = pending.kind
    words[at + Request.at] = offset
    words[at + Request.length] = pending.payload.length
    words[at + Request.room] = pending.room
    words[at + Request.deadline] = pending.deadline
    this.#publish(lane)
    return true
  }

  /** The lane to the owner that runs now. Fails the request where none runs and none is being started. */
  #openLane(pending: Pending): OpenLane | undefined {
    const lane = this.#lane
    if (lane !== undefined && this.#owners.isRunning(this.#owner, lane.epoch)) return lane
    if (lane !== undefined) this.#abandon(lane)
    // What was to be asked for once more may have opened the next one already.
    if (this.#lane !== undefined) return this.#lane
    const state = this.#owners.state(this.#owner)
    if (state === State.vacant) pending.fail(gone(this.#owner))
    if (state !== State.running) return undefined
    const epoch = this.#owners.epoch(this.#owner)
    const number = this.#memory.open(this.#owner, epoch, ownLifeSign())
    if (number < 0) return undefined
    this.#lane = new OpenLane(this.#memory, this.#owner, number, epoch)
    return this.#lane
  }

  /** Its owner is gone: nobody will answer, and nobody works on the lane any more. */
  #abandon(lane: OpenLane): void {
    this.#lane = undefined
    // What it has answered before it died counts.
    this.#takeAnswers(lane)
    for (const pending of lane.underWay.values()) pending.fail(gone(this.#owner))
    this.#memory.close(this.#owner, lane.number, lane.epoch)
    this.#memory.free(this.#owner, lane.number)
  }

  /** Tells the owner that nobody waits for it any more, where there is room to say so. */
  cancel(pending: Pending): void {
    const lane = this.#lane
    if (lane === undefined || lane.underWay.get(pending.id) !== pending || lane.requests.room() <= 0) return
    const at = lane.requests.place()
    this.#memory.words[at + Request.id] = pending.id
    this.#memory.words[at + Request.kind] = CANCEL
    this.#publish(lane)
  }

  #publish(lane: OpenLane): void {
    lane.requests.publish()
    this.#memory.announce(this.#owner, lane.number)
    // The doorbell at once, so that an owner about to sleep does not; waking one that sleeps once for all requests of this turn.
    const { words } = this.#owners
    Atomics.add(words, this.#owners.at(this.#owner, Row.doorbell), 1)
    if (this.#ringsSoon) return
    this.#ringsSoon = true
    queueMicrotask(this.#ring)
  }

  #ringNow(): void {
    this.#ringsSoon = false
    if (this.#owners.read(this.#owner, Row.parked) !== 0) {
      Atomics.notify(this.#owners.words, this.#owners.at(this.#owner, Row.doorbell))
    }
    if (this.#lane !== undefined && this.#lane.underWay.size > 0) this.#listen(this.#lane)
  }

  /** One wait for a lane, whatever the number of requests: it is woken once for many answers. */
  #listen(lane: OpenLane): void {
    if (lane.isListening) return
    lane.isListening = true
    const { words } = this.#memory
    const seen = Atomics.load(words, lane.at + Lane.bell)
    if (lane.answers.available() > 0) {
      queueMicrotask(() => this.#rung(lane))
      return
    }
    void changed(words, lane.at + Lane.bell, seen).then(() => this.#rung(lane))
  }

  #rung(lane: OpenLane): void {
    lane.isListening = false
    if (this.#lane !== lane) return
    this.#takeAnswers(lane)
    this.#sendWaiting()
    if (lane.underWay.size > 0) this.#listen(lane)
  }

  #takeAnswers(lane: OpenLane): void {
    const { words } = this.#memory
    let count = lane.answers.available()
    if (count <= 0) return
    const grown: Pending[] = []
    for (; count > 0; count--) {
      const at = lane.answers.take()
      const id = words[at + AnswerField.id] as number
      const pending = lane.underWay.get(id)
      if (pending === undefined) continue
      const [status, length] = [words[at + AnswerField.status] as number, words[at + AnswerField.length] as number]
      const again = !pending.isSettled && this.#settle(lane, pending, status, length)
      lane.underWay.delete(id)
      lane.staging.give(pending.offset, pending.taken)
      if (again) grown.push(pending)
    }
    lane.answers.publish()
    for (const pending of grown) this.submit(pending)
  }

  /** Gives the caller its answer; true when it is to be asked for once more, with more room. */
  #settle(lane: OpenLane, pending: Pending, status: number, length: number): boolean {
    const from = this.#memory.stagingAt(lane.at) + pending.offset
    const text = () => decoder.decode(this.#memory.bytes.slice(from, from + Math.min(length, MAX_ERROR_BYTES)))
    if (status === AnswerStatus.bytes) pending.answer(this.#memory.bytes.slice(from, from + length))
    else if (status === AnswerStatus.nothing) pending.answer(undefined)
    else if (status === AnswerStatus.expired) pending.fail(late(this.#owner))
    else if (status === AnswerStatus.tooLong) {
      if (length <= this.#memory.shape.staging && !pending.hasGrown) {
        pending.hasGrown = true
        pending.room = length
        return true
      }
      pending.fail(full(`The answer has ${length} bytes; there is room for ${this.#memory.shape.staging}`))
    } else pending.fail(new OstrakaError('OSTRAKA_ERR_REQUEST_FAILED', text() || 'The request was damaged'))
    return false
  }
}

function late(owner: number): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_REQUEST_TIMEOUT', `Owner ${owner} did not answer in time`)
}

function gone(owner: number): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_OWNER_GONE', `Owner ${owner} does not run, or ended before it answered`)
}

function full(message: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_CHANNEL_FULL', message)
}
