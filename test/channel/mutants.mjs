// Breaks owners and channel on purpose, one rule at a time, and shows that the interruptions of steps.mjs or the stories of campaign.mjs notice. Prints
// who noticed; ends with 1 if a mutant survives. `node test/channel/mutants.mjs [part of a name]`, after a build.
import { tell } from './campaign.mjs'
import { open, scenarios } from './steps.mjs'

const STORIES = 150

/** Each: what is broken, and the edits [file, find, by] of the built package. */
const mutants = [
  [
    'a lane is taken without a compare-and-set',
    'channel/channel-memory.js',
    'if (Atomics.compareExchange(this.words, at + Lane.sign, 0, sign.word) !== 0)',
    'if (Atomics.load(this.words, at + Lane.sign) !== 0 || Atomics.store(this.words, at + Lane.sign, sign.word) === 0)',
  ],
  [
    'indexes of a lane stay as its last client left them',
    'channel/channel-memory.js',
    'Atomics.store(this.words, at + index, 0);',
    '',
  ],
  [
    'news is taken after the ring was read',
    'channel/server.js',
    'lanes = Atomics.load(this.#memory.words, at + word) === 0 ? 0 : Atomics.exchange(this.#memory.words, at + word, 0);',
    'lanes = Atomics.load(this.#memory.words, at + word); let after = lanes; while (after !== 0) { const bit = 31 - Math.clz32(after); after &= ~(1 << bit); served += this.#serveLane(word * 32 + bit); } lanes = 0; Atomics.store(this.#memory.words, at + word, 0);',
  ],
  [
    'a batch that is not over is not announced',
    'channel/server.js',
    'else if (lane.requests.available() > 0)',
    'else if (false)',
  ],
  [
    'a request is read again',
    'channel/ring.js',
    `take() {
        const at = this.#at + ((this.#next >>> 0) % this.#depth) * this.#width;
        this.#next = (this.#next + 1) | 0;`,
    `take() {
        const at = this.#at + ((this.#next >>> 0) % this.#depth) * this.#width;
        this.#next = (this.#next + (this.#width === 8 && this.#next === 3 ? 0 : 1)) | 0;`,
  ],
  [
    'a lane is free while something of it is in hand',
    'channel/server.js',
    'if (lane.inHand.size > 0) {',
    'if (false) {',
  ],
  [
    'lanes that clients left unnoticed are not looked for',
    'channel/server.js',
    'if (epoch !== this.#epoch && memory.isClosed(this.#owner, number, epoch))',
    'if (false)',
  ],
  [
    'the dead are not looked for',
    'channel/server.js',
    'if (!this.#memory.isAbandoned(this.#owner, number))',
    'if (true)',
  ],
  [
    'room in the ring is not looked for',
    'channel/link.js',
    'lane.underWay.size >= this.#memory.shape.depth || lane.requests.room() <= 0',
    'false',
  ],
  [
    'staging memory of a request that ran out of time is given out again',
    'channel/link.js',
    'pending.fail(late(this.#owner));\n            this.cancel(pending);',
    'pending.fail(late(this.#owner)); this.#lane.underWay.delete(pending.id); this.#lane.staging.give(pending.offset, pending.taken);',
  ],
  [
    'a dead owner is not noticed',
    'channel/link.js',
    'if (lane !== undefined && !this.#owners.isRunning(this.#owner, lane.epoch))\n            this.#abandon(lane);\n        const now',
    'const now',
  ],
  [
    'an answer is taken for that of an earlier request',
    'channel/link.js',
    'lane.nextId = (id + 1) | 0 || 1;',
    'lane.nextId = (id % 2) + 1;',
  ],
  [
    'the bell is not rung for a request',
    'channel/link.js',
    'Atomics.add(words, this.#owners.at(this.#owner, Row.doorbell), 1);',
    '',
  ],
  [
    'a start is claimed without a compare-and-set',
    'owners/owner-memory.js',
    'if (!this.#change(index, seen, claim(epoch, State.starting)))',
    'if (Atomics.store(this.words, this.at(index, Row.claim), claim(epoch, State.starting)) === 0)',
  ],
  [
    'a latecomer is let in',
    'owners/owner-memory.js',
    'return this.#change(index, claim(epoch, State.starting), claim(epoch, State.running));',
    'this.write(index, Row.claim, claim(epoch, State.running)); return true;',
  ],
  [
    'the sign of whoever wrote last counts',
    'owners/owner-memory.js',
    'return this.read(index, at + Sign.epoch) === epoch && isGone(sign);',
    'return isGone(sign);',
    ['owners/owner-memory.js', 'return Row.signs + (epoch % SIGNS) * SIGN_WORDS;', 'return Row.signs;'],
  ],
  [
    'shards are taken from an owner that runs',
    'owners/owner-memory.js',
    'if (!isFree || (home !== index && homeRuns))',
    'if (home !== index && homeRuns)',
  ],
  [
    'shards are dealt without a compare-and-set',
    'owners/owner-memory.js',
    'if (Atomics.compareExchange(this.words, at, seen, mine) === seen)',
    'if (Atomics.store(this.words, at, mine) === mine)',
  ],
]

async function noticedBy(edits) {
  const { built, discard } = await open(edits)
  try {
    for (const [name, run] of Object.entries(scenarios)) {
      if ((await run(built)).problems.length > 0) return name
    }
    for (let seed = 0; seed < STORIES; seed++) if ((await tell(built, seed)).length > 0) return `story ${seed}`
    return undefined
  } catch (error) {
    return `an error: ${error.message}`
  } finally {
    discard()
  }
}

const [, , part = ''] = process.argv
let survivors = 0
for (const [name, file, find, by, ...more] of mutants.filter(([each]) => each.includes(part))) {
  const who = await noticedBy([[file, find, by], ...more])
  if (who === undefined) survivors++
  console.log(`${who === undefined ? 'SURVIVED' : 'noticed '}  ${name}${who === undefined ? '' : `: ${who}`}`)
}
console.log(`${survivors} survived`)
process.exit(survivors === 0 ? 0 : 1)
