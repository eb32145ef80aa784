// The owner's side of the channel: takes requests from the lanes that have news, hands them to the service of their kind, answers. Requests of one
// lane begin in order; none is begun for a client that has left, and none twice. Used by the owner's thread alone. May touch: its lanes.
import type { Answer, IncomingRequest, Service } from './channel.js'
import {
  ANSWER_WORDS,
  AnswerField,
  AnswerStatus,
  CANCEL,
  Lane,
  MAX_ERROR_BYTES,
  NEWS_WORDS,
  REQUEST_WORDS,
  Request,
  STAGING_UNIT,
} from './channel-layout.js'
import type { ChannelMemory } from './channel-memory.js'
import { clock } from './clock.js'
import { RingReader, RingWriter } from './ring.js'

/** Requests taken from one lane before the next lane has its turn. */
const BATCH = 64
/** Lanes looked into for a dead client at one sweep, some 15 µs each. */
const SWEPT_LANES = 8

const encoder = new TextEncoder()

/** What the owner knows of a lane that is open to it. */
interface OpenLane {
  readonly number: number
  readonly at: number
  readonly requests: RingReader
  readonly answers: RingWriter
  /** Requests in the hands of a service, by what they are called. */
  readonly inHand: Map<number, Incoming>
  isOver: boolean
  hasAnswers: boolean
}

class Incoming implements IncomingRequest {
  readonly id: number
  readonly kind: number
  readonly payload: Uint8Array
  readonly room: number
  readonly deadline: number
  /** Where payload and answer lie, in bytes of the channel. */
  readonly offset: number
  #controller: AbortController | undefined
  #isAborted = false

  constructor(id: number, kind: number, payload: Uint8Array, offset: number, room: number, deadline: number) {
    this.id = id
    this.kind = kind
    this.payload = payload
    this.offset = offset
    this.room = room
    this.deadline = deadline
  }

  get timeLeft(): number {
    return Math.max(1, (this.deadline - clock()) | 0)
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isAborted) this.#controller.abort()
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort()
  }
}

export class ChannelServer {
  readonly #memory: ChannelMemory
  readonly #owner: number
  readonly #epoch: number
  readonly #services: ReadonlyMap<number, Service>
  readonly #lanes: (OpenLane | undefined)[]
  #inHand = 0
  #nextSwept = 0

  constructor(memory: ChannelMemory, owner: number, epoch: number, services: readonly Service[]) {
    this.#memory = memory
    this.#owner = owner
    this.#epoch = epoch
    this.#services = new Map(services.map((service) => [service.kind, service]))
    this.#lanes = new Array(memory.shape.lanes).fill(undefined)
    this.#freeLeft()
  }

  /** Requests whose services have not answered yet. */
  get inHand(): number {
    return this.#inHand
  }

  /** Whether there is news, without taking it. */
  get hasNews(): boolean {
    const at = this.#memory.news(this.#owner)
    for (let word = 0; word < NEWS_WORDS; word++) if (Atomics.load(this.#memory.words, at + word) !== 0) return true
    return false
  }

  /** Takes what is new, a batch from each lane. Answers how many requests that were. */
  serve(): number {
    let served = 0
    const at = this.#memory.news(this.#owner)
    for (let word = 0; word < NEWS_WORDS; word++) {
      // Taken before the rings are read: what comes after is news again.
      let lanes =
        Atomics.load(this.#memory.words, at + word) === 0 ? 0 : Atomics.exchange(this.#memory.words, at + word, 0)
      while (lanes !== 0) {
        const bit = 31 - Math.clz32(lanes)
        lanes &= ~(1 << bit)
        served += this.#serveLane(word * 32 + bit)
      }
    }
    return served
  }

  /** Finds clients that left or died unnoticed, of the dead a few lanes at a time. */
  sweep(): void {
    const { lanes } = this.#memory.shape
    this.#freeLeft()
    for (let i = 0; i < Math.min(SWEPT_LANES, lanes); i++) {
      const number = this.#nextSwept++ % lanes
      if (!this.#memory.isAbandoned(this.#owner, number)) continue
      const lane = this.#lanes[number]
      if (lane !== undefined) this.#leave(lane)
      else this.#memory.free(this.#owner, number)
    }
  }

  /** Nothing more is begun; what is in hand is aborted. Resolves when services have closed. */
  async close(): Promise<void> {
    for (const lane of this.#lanes) for (const request of lane?.inHand.values() ?? []) request.abort()
    for (const service of this.#services.values()) await service.close?.()
  }

  /** Lanes whose clients left when an owner before this one should have noticed. */
  #freeLeft(): void {
    const memory = this.#memory
    for (let number = 0; number < memory.shape.lanes; number++) {
      const epoch = memory.epochOf(this.#owner, number)
      if (epoch !== this.#epoch && memory.isClosed(this.#owner, number, epoch)) memory.free(this.#owner, number)
    }
  }

  #serveLane(number: number): number {
    const lane = this.#lanes[number] ?? this.#meet(number)
    if (lane === undefined) return 0
    let served = 0
    while (served < BATCH && this.#memory.isOpen(this.#owner, number, this.#epoch)) {
      if (lane.requests.available() <= 0) break
      this.#begin(lane, lane.requests.take())
      served++
    }
    if (served > 0) lane.requests.publish()
    this.#flush(lane)
    if (!this.#memory.isOpen(this.#owner, number, this.#epoch)) this.#leave(lane)
    else if (lane.requests.available() > 0) this.#memory.announce(this.#owner, number)
    return served
  }

  #meet(number: number): OpenLane | undefined {
    const memory = this.#memory
    if (!memory.isOpen(this.#owner, number, this.#epoch)) {
      // Opened and closed before it was ever looked at.
      if (memory.isClosed(this.#owner, number, this.#epoch)) memory.free(this.#owner, number)
      return undefined
    }
    const at = memory.lane(this.#owner, number)
    const { words, shape } = memory
    const lane = {
      number,
      at,
      requests: new RingReader(
        words,
        at + Lane.requestHead,
        at + Lane.requestTail,
        memory.requestsAt(at),
        shape.depth,
        REQUEST_WORDS,
      ),
      answers: new RingWriter(
        words,
        at + Lane.answerHead,
        at + Lane.answerTail,
        memory.answersAt(at),
        shape.depth,
        ANSWER_WORDS,
      ),
      inHand: new Map<number, Incoming>(),
      isOver: false,
      hasAnswers: false,
    }
    this.#lanes[number] = lane
    return lane
  }

  #begin(lane: OpenLane, at: number): void {
    const { words, bytes, shape } = this.#memory
    const id = words[at + Request.id] as number
    const kind = words[at + Request.kind] as number
    if (kind === CANCEL) {
      lane.inHand.get(id)?.abort()
      return
    }
    const offset = words[at + Request.at] as number
    const length = words[at + Request.length] as number
    const room = words[at + Request.room] as number
    const deadline = words[at + Request.deadline] as number
    if (offset < 0 || length < 0 || room < 0 || offset + Math.max(length, room) > shape.staging) {
      this.#answer(lane, id, AnswerStatus.failed, 0)
      return
    }
    const from = this.#memory.stagingAt(lane.at) + offset
    const request = new Incoming(id, kind, bytes.subarray(from, from + length), from, room, deadline)
    if (((deadline - clock()) | 0) <= 0) {
      this.#answer(lane, id, AnswerStatus.expired, 0)
      return
    }
    const service = this.#services.get(kind)
    if (service === undefined) {
      this.#fail(lane, request, new Error(`this owner has no service for requests of kind ${kind}`))
      return
    }
    try {
      const answer = service.handle(request)
      if (answer instanceof Promise) this.#await(lane, request, answer)
      else this.#give(lane, request, answer)
    } catch (error) {
      this.#fail(lane, request, error)
    }
  }

  #await(lane: OpenLane, request: Incoming, answer: Promise<Answer>): void {
    lane.inHand.set(request.id, request)
    this.#inHand++
    const done = (give: () => void) => {
      lane.inHand.delete(request.id)
      this.#inHand--
      // The client may have left meanwhile; its memory was kept for this.
      if (!lane.isOver) give()
      this.#flush(lane)
      if (lane.isOver) this.#leave(lane)
    }
    answer.then(
      (bytes) => done(() => this.#give(lane, request, bytes)),
      (error: unknown) => done(() => this.#fail(lane, request, error)),
    )
  }

  #give(lane: OpenLane, request: Incoming, answer: Answer): void {
    if (answer === undefined) this.#answer(lane, request.id, AnswerStatus.nothing, 0)
    else if (answer.length > request.room) this.#answer(lane, request.id, AnswerStatus.tooLong, answer.length)
    else {
      this.#memory.bytes.set(answer, request.offset)
      this.#answer(lane, request.id, AnswerStatus.bytes, answer.length)
    }
  }

  #fail(lane: OpenLane, request: Incoming, error: unknown): void {
    const text = encoder.encode(error instanceof Error ? error.message : String(error))
    // Every request has a unit at least, however little it asked for.
    const length = Math.min(text.length, Math.max(request.room, STAGING_UNIT), MAX_ERROR_BYTES)
    this.#memory.bytes.set(text.subarray(0, length), request.offset)
    this.#answer(lane, request.id, AnswerStatus.failed, length)
  }

  /** There is always room: a client has no more requests under way than the ring has places. */
  #answer(lane: OpenLane, id: number, status: number, length: number): void {
    const { words } = this.#memory
    const at = lane.answers.place()
    words[at + AnswerField.id] = id
    words[at + AnswerField.status] = status
    words[at + AnswerField.length] = length
    lane.hasAnswers = true
  }

  /** Shows the client its answers and wakes it: once for many. */
  #flush(lane: OpenLane): void {
    if (!lane.hasAnswers) return
    lane.hasAnswers = false
    lane.answers.publish()
    Atomics.add(this.#memory.words, lane.at + Lane.bell, 1)
    Atomics.notify(this.#memory.words, lane.at + Lane.bell)
  }

  /** The client has left: what is in hand is aborted, and when the last of it has come back the lane is free. */
  #leave(lane: OpenLane): void {
    lane.isOver = true
    if (lane.inHand.size > 0) {
      for (const request of lane.inHand.values()) request.abort()
      return
    }
    if (this.#lanes[lane.number] !== lane) return
    this.#lanes[lane.number] = undefined
    this.#memory.free(this.#owner, lane.number)
  }
}
