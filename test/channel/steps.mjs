// Interruptions at every atomic access: a copy of the built package in which owners and channel see another `Atomics`. Before its n-th access an
// operation is interrupted by another whole one, or ends there as by a death; for every n. One thread plays all parts, so every case can be played
// again. What is checked afterwards is what the stories of campaign.mjs check, and who was let in.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from './campaign.mjs'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))
const HOOK = 'ostraka.stepped'

/** What the modules of the copy call. `at` counts down to the access at which something happens. */
const steps = { at: -1, taken: 0, event: undefined }

function step() {
  steps.taken++
  if (steps.at < 0 || steps.at-- > 0) return
  const { event } = steps
  steps.event = undefined
  event?.()
}

const stepped = {}
for (const name of ['load', 'store', 'add', 'or', 'and', 'exchange', 'compareExchange']) {
  stepped[name] = (...rest) => {
    step()
    return Atomics[name](...rest)
  }
}
stepped.notify = (...rest) => Atomics.notify(...rest)
stepped.waitAsync = (...rest) => Atomics.waitAsync(...rest)
/** Nothing here may block: it is told whether it would have. */
stepped.wait = (words, index, value) => {
  step()
  const blocks = Atomics.load(words, index) === value
  // What comes after it has slept is another matter.
  steps.blocked = blocks && steps.event === undefined
  return blocks ? 'timed-out' : 'not-equal'
}
globalThis[HOOK] = stepped

/** Short batches, so that what lies behind their end is reached. */
const shortened = [['channel/server.js', 'const BATCH = 64;', 'const BATCH = 2;']]

/** The copy, loaded; `edits` are mutations: [file, find, by]. */
export async function open(edits = []) {
  const folder = mkdtempSync(path.join(tmpdir(), 'ostraka-steps-'))
  for (const part of ['channel', 'owners', 'attach', 'engine']) {
    cpSync(path.join(dist, part), path.join(folder, part), { recursive: true })
  }
  cpSync(path.join(dist, 'errors.js'), path.join(folder, 'errors.js'))
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  for (const [file, find, by] of [...shortened, ...edits]) {
    const name = path.join(folder, file)
    const text = readFileSync(name, 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${file}: found ${text.split(find).length - 1} times: ${find}`)
    writeFileSync(
      name,
      text.replace(find, () => by),
    )
  }
  for (const part of ['channel', 'owners']) {
    for (const file of readdirSync(path.join(folder, part))) {
      if (!file.endsWith('.js')) continue
      const name = path.join(folder, part, file)
      writeFileSync(name, `const Atomics = globalThis['${HOOK}'];\n${readFileSync(name, 'utf8')}`)
    }
  }
  const built = await load(folder)
  const { Rest } = await import(`${folder}/owners/rest.js`)
  return { built: { ...built, Rest }, discard: () => rmSync(folder, { recursive: true, force: true }) }
}

const ECHO = 40
const shape = { owners: 1, lanes: 2, depth: 4, staging: 512 }
const dead = new Error('a thread ends here')
const turn = () => new Promise(setImmediate)
/** No thread has this id. */
const nobody = { word: 0x3fffffff, startLow: 1, startHigh: 0 }

class World {
  constructor(built) {
    this.built = built
    const buffer = new SharedArrayBuffer(built.OwnerMemory.bytes(2))
    built.OwnerMemory.initialise(buffer, 2)
    this.owners = new built.OwnerMemory(buffer)
    this.channel = built.ChannelMemory.create(shape)
    this.memory = new built.ChannelMemory(this.channel)
    this.rest = new built.Rest(this.owners, 0)
    this.problems = []
    this.asked = 0
    this.ended = 0
    this.begun = new Set()
    this.start()
    this.one = this.client()
    this.two = this.client()
  }

  start() {
    const { built, owners } = this
    owners.write(0, built.Row.notBefore, built.ticks())
    this.epoch = owners.claimStart(0)
    owners.begin(0, this.epoch, built.ownLifeSign(), 1)
    const handle = ({ payload }) => {
      const name = `${this.epoch} ${Buffer.from(payload)}`
      if (this.begun.has(name)) this.problems.push(`${name} was begun twice`)
      this.begun.add(name)
      return payload
    }
    this.server = new built.ChannelServer(this.memory, 0, this.epoch, [{ kind: ECHO, handle }])
  }

  client() {
    return new this.built.ChannelClient(this.channel, this.owners)
  }

  ask(client) {
    const name = `request ${this.asked++}`
    let endings = 0
    const end = () => {
      this.ended++
      if (++endings > 1) this.problems.push(`${name} ended twice`)
    }
    client.request(0, ECHO, Buffer.from(name), { timeout: 60_000, room: 64 }).then(
      (answer) => {
        end()
        if (Buffer.from(answer ?? []).toString() !== name) this.problems.push(`${name} was answered wrongly`)
      },
      (error) => {
        end()
        const codes = ['OSTRAKA_ERR_OWNER_GONE', 'OSTRAKA_ERR_CLOSED']
        if (!codes.includes(error.code)) this.problems.push(`${name} failed with ${error.stack}`)
      },
    )
  }

  /** Everybody goes on until nothing is left to do. */
  async settle(closing = [this.one, this.two]) {
    for (let round = 0; round < 60 && (this.ended < this.asked || round < 3); round++) {
      this.server.serve()
      await (round % 10 === 9 ? new Promise((resolve) => setTimeout(resolve, 12)) : turn())
    }
    if (this.ended !== this.asked)
      this.problems.push(`${this.asked - this.ended} of ${this.asked} requests never ended`)
    for (const client of closing) client.close()
    for (let round = 0; round < 3; round++) {
      this.server.serve()
      this.server.sweep()
    }
    for (let lane = 0; lane < shape.lanes; lane++) {
      const { sign } = this.built.Lane
      if (this.memory.words[this.memory.lane(0, lane) + sign] !== 0)
        this.problems.push(`lane ${lane} is still somebody's`)
    }
    return this.problems
  }
}

/** One interruption each: [what is going on, by what it is interrupted]; both may have been asked for something before. */
const meetings = {
  'a request, the owner serves': [(w) => w.ask(w.one), (w) => w.server.serve()],
  'the owner serves, a request': [(w) => w.server.serve(), (w) => w.ask(w.one), (w) => w.ask(w.one)],
  'the owner serves, a first request of another': [(w) => w.server.serve(), (w) => w.ask(w.two), (w) => w.ask(w.one)],
  'two first requests': [(w) => w.ask(w.one), (w) => w.ask(w.two)],
  'a client leaves, the owner serves': [(w) => w.one.close(), (w) => w.server.serve(), (w) => w.ask(w.one)],
  'the owner serves, a client leaves': [(w) => w.server.serve(), (w) => w.one.close(), (w) => w.ask(w.one)],
  'the owner sweeps, a client leaves and another comes': [
    (w) => w.server.sweep(),
    (w) => {
      w.one.close()
      w.ask(w.two)
    },
    (w) => w.ask(w.one),
  ],
  'an owner comes, a client leaves that had one before': [
    (w) => w.start(),
    (w) => w.one.close(),
    (w) => {
      w.ask(w.one)
      w.owners.bury(0, w.epoch)
    },
  ],
  'a request, its owner dies and another comes': [
    (w) => w.ask(w.one),
    (w) => {
      w.owners.bury(0, w.epoch)
      w.start()
    },
    (w) => w.ask(w.one),
  ],
}

const fresh = (w) => {
  w.ask(w.one)
  w.server.serve()
}

/** Problems of one scenario at all its steps, and how many those were. */
async function everywhere(built, make) {
  const problems = []
  let total = 0
  for (let at = 0; ; at++) {
    const world = new World(built)
    const { act, event, check } = make(world)
    steps.at = at
    steps.event = event
    steps.blocked = undefined
    try {
      act()
    } catch (error) {
      if (error !== dead) throw error
    }
    const isOver = steps.event !== undefined
    steps.at = -1
    steps.event = undefined
    total++
    for (const problem of await check(world)) problems.push(`step ${at}: ${problem}`)
    if (isOver || problems.length > 3) return { problems, steps: total }
  }
}

export const scenarios = {
  ...Object.fromEntries(
    Object.entries(meetings).map(([name, [act, event, before]]) => [
      name,
      (built) =>
        everywhere(built, (world) => {
          before?.(world)
          return { act: () => act(world), event: () => event(world), check: (w) => w.settle() }
        }),
    ]),
  ),

  'an owner dies while it serves': (built) =>
    everywhere(built, (world) => {
      fresh(world)
      world.ask(world.one)
      world.ask(world.two)
      return {
        act: () => world.server.serve(),
        event: () => {
          throw dead
        },
        check: (w) => {
          w.owners.bury(0, w.epoch)
          w.start()
          return w.settle()
        },
      }
    }),

  'a client dies while it asks': (built) =>
    everywhere(built, (world) => {
      // It has the sign of a thread that is not there; nobody waits for its answers.
      const lane = () => world.memory.open(0, world.epoch, nobody)
      return {
        act: () => {
          const number = lane()
          const words = world.memory.words
          const at = world.memory.lane(0, number)
          words[world.memory.requestsAt(at) + 1] = 99
          Atomics.store(words, at + built.Lane.requestHead, 1)
          world.memory.announce(0, number)
          world.memory.close(0, number, world.epoch)
        },
        event: () => {
          throw dead
        },
        check: async (w) => {
          w.server.serve()
          w.server.sweep()
          w.ask(w.one)
          w.ask(w.two)
          return w.settle()
        },
      }
    }),

  'an owner falls asleep, a request': (built) =>
    everywhere(built, (world) => {
      fresh(world)
      let asked = false
      return {
        act: () => {
          // As in workers/owner.ts: the bell, the lanes, the bell.
          const seen = world.rest.look()
          world.server.serve()
          if (!world.server.hasNews) world.rest.sleep(seen, 1)
        },
        event: () => {
          asked = true
          world.ask(world.one)
        },
        check: async (w) => {
          // It slept although it had been asked, and had not said in time that it is parked: nobody would have woken it.
          const isServed = w.begun.size >= w.asked
          if (asked && steps.blocked === true && !isServed) w.problems.push('the owner sleeps over a request')
          return w.settle()
        },
      }
    }),

  'two threads start one owner': (built) =>
    everywhere(built, (world) => {
      world.owners.bury(0, world.epoch)
      world.owners.write(0, built.Row.failures, 0)
      const epochs = []
      return {
        act: () => epochs.push(world.owners.claimStart(0)),
        event: () => epochs.push(world.owners.claimStart(0)),
        check: async () => {
          const won = epochs.filter((epoch) => epoch !== 0)
          return won.length === 1 ? [] : [`${won.length} of ${epochs.length} were to start it`]
        },
      }
    }),

  'a worker begins, its start is given up and another one is made': (built) =>
    everywhere(built, (world) => {
      world.owners.bury(0, world.epoch)
      world.owners.write(0, built.Row.failures, 0)
      const epoch = world.owners.claimStart(0)
      let next = 0
      let late
      let wasIn = false
      return {
        act: () => {
          late = world.owners.begin(0, epoch, nobody, 77)
        },
        event: () => {
          wasIn = world.owners.isRunning(0, epoch)
          world.owners.bury(0, epoch)
          world.owners.write(0, built.Row.notBefore, built.ticks())
          next = world.owners.claimStart(0)
          world.owners.begin(0, next, built.ownLifeSign(), 5)
        },
        check: async (w) => {
          const problems = []
          if (next !== 0 && late && !wasIn) problems.push('one was let in whose start had been given up')
          // The sign of the one that came too late must not speak for the other.
          w.owners.write(0, built.Row.beat, built.ticks() - 3_600_000)
          w.owners.inspect(0)
          const isNext = next !== 0 && w.owners.epoch(0) === next
          if (isNext && !w.owners.isRunning(0, next)) problems.push('one that lives was declared dead')
          return problems
        },
      }
    }),

  'two owners deal themselves the shards of one that is gone': (built) =>
    everywhere(built, (world) => {
      const { owners } = world
      const other = owners.claimStart(1)
      owners.begin(1, other, built.ownLifeSign(), 2)
      owners.deal(0, world.epoch, 4)
      owners.bury(0, world.epoch)
      owners.write(0, built.Row.failures, 0)
      const held = {}
      return {
        act: () => {
          held.one = owners.deal(1, other, 4)
        },
        event: () => {
          const epoch = owners.claimStart(0)
          owners.begin(0, epoch, built.ownLifeSign(), 3)
          held.epoch = epoch
          held.zero = owners.deal(0, epoch, 4)
        },
        check: async () => {
          const both = [...(held.zero ?? []), ...held.one]
          const problems = new Set(both).size === both.length ? [] : [`${held.zero} and ${held.one}`]
          if (held.epoch === undefined) return problems
          for (let round = 0; round < 2; round++) {
            held.zero = owners.deal(0, held.epoch, 4)
            held.one = owners.deal(1, other, 4)
          }
          const all = [...held.zero, ...held.one].sort()
          return `${all}` === '0,1,2,3' ? problems : [...problems, `at the end ${held.zero} and ${held.one}`]
        },
      }
    }),
}
