// The channel's shared memory: its lanes, who holds each, and how one comes to be free again. May touch: its own words, /proc where a client's death
// is to be proven.
//
//   free ──client claims──▶ open, e ──client leaves, or is proven dead──▶ closed, e ──owner e has nothing in hand, or is gone──▶ free
//
// e is the epoch of the owner that the lane was opened to. No other owner ever works on it: what a dead owner has left is failed by the client.
import { isGone, type LifeSign } from '../attach/thread-life.js'
import {
  ANSWER_WORDS,
  channelBytes,
  HEADER_WORDS,
  LANE_HEADER_WORDS,
  Lane,
  LaneState,
  laneWords,
  ownerWords,
  REQUEST_WORDS,
  type Shape,
} from './channel-layout.js'

const STATE_BITS = 2

export class ChannelMemory {
  readonly words: Int32Array
  readonly bytes: Uint8Array
  readonly shape: Shape
  readonly #lane: number

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer)
    this.bytes = new Uint8Array(buffer)
    const [owners = 0, lanes = 0, depth = 0, staging = 0] = this.words
    this.shape = { owners, lanes, depth, staging }
    this.#lane = laneWords(this.shape)
  }

  /** New memory of that shape, which nobody else may see before this returns. */
  static create(shape: Shape): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(channelBytes(shape))
    new Int32Array(buffer).set([shape.owners, shape.lanes, shape.depth, shape.staging])
    return buffer
  }

  /** Word of an owner's bitmap of lanes with news. */
  news(owner: number): number {
    return HEADER_WORDS + owner * ownerWords(this.shape)
  }

  /** First word of a lane. */
  lane(owner: number, lane: number): number {
    return this.news(owner) + 16 + lane * this.#lane
  }

  requestsAt(at: number): number {
    return at + LANE_HEADER_WORDS
  }

  answersAt(at: number): number {
    return at + LANE_HEADER_WORDS + this.shape.depth * REQUEST_WORDS
  }

  /** First byte of a lane's staging memory. */
  stagingAt(at: number): number {
    return (at + LANE_HEADER_WORDS + this.shape.depth * (REQUEST_WORDS + ANSWER_WORDS)) * 4
  }

  /** The client's: a lane to that owner in that epoch, −1 when all are taken. */
  open(owner: number, epoch: number, sign: LifeSign): number {
    for (let number = 0; number < this.shape.lanes; number++) {
      const at = this.lane(owner, number)
      if (Atomics.compareExchange(this.words, at + Lane.sign, 0, sign.word) !== 0) continue
      Atomics.store(this.words, at + Lane.startLow, sign.startLow)
      Atomics.store(this.words, at + Lane.startHigh, sign.startHigh)
      for (const index of [Lane.requestHead, Lane.requestTail, Lane.answerHead, Lane.answerTail]) {
        Atomics.store(this.words, at + index, 0)
      }
      Atomics.store(this.words, at + Lane.binding, binding(epoch, LaneState.open))
      return number
    }
    return -1
  }

  /** The client leaves: nothing of its is to be begun any more. */
  close(owner: number, number: number, epoch: number): void {
    const at = this.lane(owner, number) + Lane.binding
    Atomics.compareExchange(this.words, at, binding(epoch, LaneState.open), binding(epoch, LaneState.closed))
    this.announce(owner, number)
  }

  isOpen(owner: number, number: number, epoch: number): boolean {
    return Atomics.load(this.words, this.lane(owner, number) + Lane.binding) === binding(epoch, LaneState.open)
  }

  isClosed(owner: number, number: number, epoch: number): boolean {
    return Atomics.load(this.words, this.lane(owner, number) + Lane.binding) === binding(epoch, LaneState.closed)
  }

  /** There is something new in a lane. Does not wake anybody. */
  announce(owner: number, number: number): void {
    Atomics.or(this.words, this.news(owner) + (number >> 5), 1 << (number & 31))
  }

  /** The lane is nobody's: by its owner when it has nothing of it in hand, or by its client when that owner is gone. */
  free(owner: number, number: number): void {
    const at = this.lane(owner, number)
    Atomics.store(this.words, at + Lane.binding, 0)
    Atomics.store(this.words, at + Lane.startLow, 0)
    Atomics.store(this.words, at + Lane.startHigh, 0)
    Atomics.store(this.words, at + Lane.sign, 0)
  }

  /** Whether somebody held the lane and is proven dead. Some 15 µs where it is held. */
  isAbandoned(owner: number, number: number): boolean {
    const at = this.lane(owner, number)
    const word = Atomics.load(this.words, at + Lane.sign)
    if (word === 0) return false
    const startLow = Atomics.load(this.words, at + Lane.startLow)
    const startHigh = Atomics.load(this.words, at + Lane.startHigh)
    // Read again: the lane may have passed to a new client between the loads, and the mixture would look dead.
    return isGone({ word, startLow, startHigh }) && Atomics.load(this.words, at + Lane.sign) === word
  }

  /** Epoch of the owner that a lane was opened to. */
  epochOf(owner: number, number: number): number {
    return Atomics.load(this.words, this.lane(owner, number) + Lane.binding) >>> STATE_BITS
  }
}

function binding(epoch: number, state: number): number {
  return (epoch << STATE_BITS) | state
}
