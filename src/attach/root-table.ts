// The root memory: one small shared memory a process, in which threads agree by compare-and-set on which cache has which name and
// who holds it. May touch: its own words only. Whoever dies in the middle leaves nothing that others cannot set right.
import {
  CHANGES,
  FEW_LINES,
  HOLDER_WORDS,
  ID_HIGH,
  ID_LOW,
  INCARNATIONS,
  LINE_BITS,
  LINE_WORDS,
  LINES,
  LINES_AT,
  LINES_END,
  LOCK,
  LOCK_NUMBERS,
  MAGIC,
  MAGIC_WORD,
  MAIN_STANDS,
  MEMBER,
  ORPHAN,
  SIGN,
  SLOT_CREATOR,
  SLOT_HOLDERS,
  SLOT_INCARNATION,
  SLOT_LENGTH,
  SLOT_NAME,
  SLOT_STATE,
  SLOT_WORDS,
  SLOTS,
  SLOTS_AT,
  SLOTS_END,
  SlotState,
  START_HIGH,
  START_LOW,
  STATE,
  UPKEEP,
  UPKEEP_LINES,
  WORDS,
} from './root-layout.js'
import { isGone, type LifeSign, stands } from './thread-life.js'

export class RootTable {
  readonly buffer: SharedArrayBuffer
  /** Random; tells two root memories apart, since each message makes a new object for the same memory. */
  readonly id: string
  readonly #words: Int32Array
  readonly #units: Uint16Array
  #freed: number[] = []

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#units = new Uint16Array(buffer)
    this.id = `${this.#words[ID_LOW]}.${this.#words[ID_HIGH]}`
  }

  /** A new one; 344 KiB of address space, of which what is used becomes resident. */
  static create(): RootTable {
    const buffer = new SharedArrayBuffer(WORDS * 4)
    const words = new Int32Array(buffer)
    words[MAGIC_WORD] = MAGIC
    words[ID_LOW] = Math.random() * 2 ** 32
    words[ID_HIGH] = Math.random() * 2 ** 32
    return new RootTable(buffer)
  }

  static isOne(buffer: unknown): buffer is SharedArrayBuffer {
    // Not instanceof: the memory may come from another context of this thread.
    return (
      Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]' &&
      (buffer as SharedArrayBuffer).byteLength === WORDS * 4 &&
      new Int32Array(buffer as SharedArrayBuffer)[MAGIC_WORD] === MAGIC
    )
  }

  // ── Waiting for others ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  changes(): number {
    return Atomics.load(this.#words, CHANGES)
  }

  /** Blocks until anything has changed since `seen`, or for that many milliseconds. */
  waitForChange(seen: number, milliseconds: number): void {
    Atomics.wait(this.#words, CHANGES, seen, milliseconds)
  }

  #changed(): void {
    Atomics.add(this.#words, CHANGES, 1)
    Atomics.notify(this.#words, CHANGES)
  }

  // ── Lines: the threads ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Claims a line by one compare-and-set, so that a death in between leaves no line without an owner; −1 when all are taken. */
  claimLine(sign: LifeSign): number {
    for (let line = 0; line < LINES; line++) {
      const at = LINES_AT + line * LINE_WORDS
      if (Atomics.compareExchange(this.#words, at + SIGN, 0, sign.word) !== 0) continue
      Atomics.store(this.#words, at + START_LOW, sign.startLow)
      Atomics.store(this.#words, at + START_HIGH, sign.startHigh)
      for (;;) {
        const end = Atomics.load(this.#words, LINES_END)
        if (end > line || Atomics.compareExchange(this.#words, LINES_END, end, line + 1) === end) return line
      }
    }
    return -1
  }

  /** Gives back a line that was not admitted. */
  freeLine(line: number): void {
    const at = LINES_AT + line * LINE_WORDS
    Atomics.store(this.#words, at + MEMBER, 0)
    Atomics.store(this.#words, at + START_LOW, 0)
    Atomics.store(this.#words, at + START_HIGH, 0)
    Atomics.store(this.#words, at + SIGN, 0)
  }

  #isLineGone(line: number): boolean {
    const at = LINES_AT + line * LINE_WORDS
    const word = Atomics.load(this.#words, at + SIGN)
    // The main thread goes with the process.
    if (word === 0 || Atomics.load(this.#words, at + MEMBER) === 1) return false
    const startLow = Atomics.load(this.#words, at + START_LOW)
    const startHigh = Atomics.load(this.#words, at + START_HIGH)
    // Read again: the line may have passed to a new thread between the loads, and the mixture would look dead.
    return isGone({ word, startLow, startHigh }) && Atomics.load(this.#words, at + SIGN) === word
  }

  /** Whether it was given up: nobody shall join it any more. */
  get orphaned(): boolean {
    return Atomics.load(this.#words, STATE) === ORPHAN
  }

  /** Under the lock. Admits the thread; a root that nobody living has joined is given up instead, with all its caches. */
  admit(line: number, thread: number, first: boolean): boolean {
    if (this.orphaned) return false
    if (!first && !this.stands && !this.isInhabited(line)) {
      Atomics.store(this.#words, STATE, ORPHAN)
      return false
    }
    Atomics.store(this.#words, LINES_AT + line * LINE_WORDS + MEMBER, thread + 1)
    if (line >= FEW_LINES) this.#upkeep(line)
    return true
  }

  /** Whether a living thread, not that of `except`, has been admitted. */
  isInhabited(except: number): boolean {
    const end = Atomics.load(this.#words, LINES_END)
    for (let line = 0; line < end; line++) {
      const member = Atomics.load(this.#words, LINES_AT + line * LINE_WORDS + MEMBER)
      // Both: the flag falls first, but somebody else who asks may seem to be it.
      if (line !== except && member !== 0 && !this.#isLineGone(line) && stands(member - 1)) return true
    }
    return false
  }

  /** The main thread, which goes with the process only, has joined and its flags are up: the root lives as long as the process. */
  get stands(): boolean {
    return Atomics.load(this.#words, MAIN_STANDS) === 1
  }

  setStands(): void {
    Atomics.store(this.#words, MAIN_STANDS, 1)
  }

  /** Whether that thread (worker_threads.threadId) has joined. */
  hasJoined(thread: number): boolean {
    const end = Atomics.load(this.#words, LINES_END)
    for (let line = 0; line < end; line++) {
      if (Atomics.load(this.#words, LINES_AT + line * LINE_WORDS + MEMBER) === thread + 1) return true
    }
    return false
  }

  /** Looks at a few lines in turn, so that threads that died while they held nothing do not use up the lines. */
  #upkeep(line: number): void {
    const end = Atomics.load(this.#words, LINES_END)
    for (let i = 0; i < Math.min(end, UPKEEP_LINES); i++) {
      const other = (Atomics.add(this.#words, UPKEEP, 1) >>> 0) % end
      if (other !== line && this.#isLineGone(other)) this.#reap(other)
    }
  }

  // ── The lock ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the lock for the thread of `line`; false at the deadline (performance.now()). Taken over only from the proven dead. */
  lock(line: number, deadline: number): boolean {
    // Numbered, so that a take-over decided about one owner cannot hit a later one of the same line.
    const mine = (Atomics.add(this.#words, LOCK_NUMBERS, 1) << LINE_BITS) | (line + 1)
    for (let tries = 0; ; tries++) {
      const owner = Atomics.compareExchange(this.#words, LOCK, 0, mine)
      if (owner === 0) return true
      if (tries > 2 && this.#isLineGone((owner & ((1 << LINE_BITS) - 1)) - 1)) {
        if (Atomics.compareExchange(this.#words, LOCK, owner, mine) === owner) return true
      }
      if (performance.now() > deadline) return false
      Atomics.wait(this.#words, LOCK, owner, 1)
    }
  }

  unlock(): void {
    Atomics.store(this.#words, LOCK, 0)
    Atomics.notify(this.#words, LOCK, 1)
  }

  // ── Slots: the names. All but `isCurrent` under the lock ──────────────────────────────────────────────────────────────────────

  /** Whether this life of the cache still has its slot. Without the lock: two atomic loads. */
  isCurrent(slot: number, incarnation: number): boolean {
    if (!(slot >= 0 && slot < SLOTS)) return false
    // The state first: a slot seen taken, and then with this number, had not been given to another life in between.
    return this.state(slot) !== SlotState.free && this.incarnation(slot) === incarnation
  }

  /** The slot of a name, −1 when it has none. */
  find(name: string): number {
    const end = this.#words[SLOTS_END] ?? 0
    for (let slot = 0; slot < end; slot++) {
      if (this.state(slot) !== SlotState.free && this.#hasName(slot, name)) return slot
    }
    return -1
  }

  #hasName(slot: number, name: string): boolean {
    const at = SLOTS_AT + slot * SLOT_WORDS
    if (this.#words[at + SLOT_LENGTH] !== name.length) return false
    const from = (at + SLOT_NAME) * 2
    for (let i = 0; i < name.length; i++) if (this.#units[from + i] !== name.charCodeAt(i)) return false
    return true
  }

  state(slot: number): number {
    return Atomics.load(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_STATE)
  }

  incarnation(slot: number): number {
    return Atomics.load(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_INCARNATION)
  }

  creator(slot: number): number {
    return Atomics.load(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_CREATOR)
  }

  /** A slot in state creating, −1 when all are taken. */
  allocate(name: string, line: number): number {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.state(slot) !== SlotState.free) continue
      const at = SLOTS_AT + slot * SLOT_WORDS
      const from = (at + SLOT_NAME) * 2
      for (let i = 0; i < name.length; i++) this.#units[from + i] = name.charCodeAt(i)
      this.#words[at + SLOT_LENGTH] = name.length
      for (let word = 0; word < HOLDER_WORDS; word++) Atomics.store(this.#words, at + SLOT_HOLDERS + word, 0)
      Atomics.store(this.#words, at + SLOT_CREATOR, line)
      if (slot >= (this.#words[SLOTS_END] ?? 0)) this.#words[SLOTS_END] = slot + 1
      Atomics.store(this.#words, at + SLOT_INCARNATION, Atomics.add(this.#words, INCARNATIONS, 1) + 1)
      // Last: a thread that dies before this line leaves a free slot.
      Atomics.store(this.#words, at + SLOT_STATE, SlotState.creating)
      return slot
    }
    return -1
  }

  ready(slot: number): void {
    Atomics.store(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_STATE, SlotState.ready)
    this.#changed()
  }

  free(slot: number): void {
    this.#freed.push(this.incarnation(slot))
    Atomics.store(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_STATE, SlotState.free)
    this.#changed()
  }

  hold(slot: number, line: number): void {
    Atomics.or(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_HOLDERS + (line >> 5), 1 << (line & 31))
  }

  leave(slot: number, line: number): void {
    Atomics.and(this.#words, SLOTS_AT + slot * SLOT_WORDS + SLOT_HOLDERS + (line >> 5), ~(1 << (line & 31)))
  }

  /** Whether a living thread other than `line` holds it; the dead that are met on the way are settled. */
  heldByAnother(slot: number, line: number): boolean {
    const at = SLOTS_AT + slot * SLOT_WORDS + SLOT_HOLDERS
    for (let word = 0; word < HOLDER_WORDS; word++) {
      let bits = Atomics.load(this.#words, at + word)
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits)
        bits &= ~(1 << bit)
        const holder = word * 32 + bit
        if (holder === line) continue
        if (!this.#isLineGone(holder)) return true
        this.#reap(holder)
      }
    }
    return false
  }

  /** Whether the thread that is creating this slot's cache is dead. */
  creatorIsGone(slot: number): boolean {
    return this.#isLineGone(this.creator(slot))
  }

  /** The lives that ended by this thread's doing since the last call, for it to tell the others. */
  takeFreed(): number[] {
    const freed = this.#freed
    this.#freed = []
    return freed
  }

  /** Settles all dead threads, and ends the caches that nobody holds any more. */
  settle(line: number): void {
    const end = Atomics.load(this.#words, LINES_END)
    for (let other = 0; other < end; other++) if (other !== line && this.#isLineGone(other)) this.#reap(other)
    for (let slot = 0; slot < (this.#words[SLOTS_END] ?? 0); slot++) {
      if (this.state(slot) === SlotState.ready && !this.#isHeld(slot)) this.free(slot)
    }
  }

  #isHeld(slot: number): boolean {
    const at = SLOTS_AT + slot * SLOT_WORDS + SLOT_HOLDERS
    for (let word = 0; word < HOLDER_WORDS; word++) if (Atomics.load(this.#words, at + word) !== 0) return true
    return false
  }

  /** Under the lock: takes a dead thread out of everything. Every step may be repeated. */
  #reap(line: number): void {
    for (let slot = 0; slot < (this.#words[SLOTS_END] ?? 0); slot++) {
      this.leave(slot, line)
      if (this.state(slot) === SlotState.creating && this.creator(slot) === line) this.free(slot)
    }
    this.freeLine(line)
  }
}
