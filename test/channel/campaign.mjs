// Random stories of a channel, told in one thread so that every one can be told again: clients ask, owners serve, answer late, are slow, die and are
// replaced; clients leave, die, abort, run out of time. Afterwards every request must have ended exactly once, with the right answer or a
// code that fits, and all memory must be free. Works on any copy of the built package, so that mutants can be played, too.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const CODES = new Set([
  'OSTRAKA_ERR_REQUEST_TIMEOUT',
  'OSTRAKA_ERR_REQUEST_FAILED',
  'OSTRAKA_ERR_OWNER_GONE',
  'OSTRAKA_ERR_CHANNEL_FULL',
  'OSTRAKA_ERR_CLOSED',
])
const KIND = { echo: 40, later: 41, fails: 42, long: 43, grows: 44 }
const turn = () => new Promise(setImmediate)

export async function load(folder) {
  const from = (file) => import(pathToFileURL(path.join(folder, file)).href)
  const [memory, layout, client, server, owners, rows, life, staging] = await Promise.all([
    from('channel/channel-memory.js'),
    from('channel/channel-layout.js'),
    from('channel/client.js'),
    from('channel/server.js'),
    from('owners/owner-memory.js'),
    from('owners/owner-layout.js'),
    from('attach/thread-life.js'),
    from('channel/staging.js'),
  ])
  return { ...memory, ...layout, ...client, ...server, ...owners, ...rows, ...life, ...staging }
}

function generator(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Tells one story. Returns what was wrong with it. */
export async function tell(built, seed, steps = 80) {
  const random = generator(seed)
  const shape = { owners: 1, lanes: 3, depth: 8, staging: 1024 }
  const problems = []
  const buffer = new SharedArrayBuffer(built.OwnerMemory.bytes(1))
  built.OwnerMemory.initialise(buffer, 1)
  const owners = new built.OwnerMemory(buffer)
  const channel = built.ChannelMemory.create(shape)
  const memory = new built.ChannelMemory(channel)
  const clients = new Map()
  const late = []
  let server
  let epoch = 0
  let asked = 0
  let ended = 0
  const seen = new Set()

  const echo = (request) => {
    const text = Buffer.from(request.payload).toString()
    // Each request is called differently; an answer that did not fit is asked for once more.
    if (text !== '' && seen.has(`${epoch} ${text}`)) problems.push(`${text} was begun twice`)
    seen.add(`${epoch} ${text}`)
    return request.payload
  }
  const services = [
    { kind: KIND.echo, handle: echo },
    {
      kind: KIND.later,
      handle: (request) => {
        const text = Buffer.from(echo(request)).toString()
        return new Promise((resolve) =>
          late.push(() => {
            // It stays as it is until it is answered, whoever has left meanwhile.
            if (Buffer.from(request.payload).toString() !== text)
              problems.push(`${text} has changed in the owner's hands`)
            resolve(request.payload)
          }),
        )
      },
    },
    {
      kind: KIND.fails,
      handle: () => {
        throw new Error('on purpose')
      },
    },
    { kind: KIND.long, handle: ({ payload }) => new Uint8Array(700).fill(payload[0]) },
    { kind: KIND.grows, handle: () => new Uint8Array(5_000) },
  ]
  const start = () => {
    owners.write(0, built.Row.notBefore, built.ticks())
    epoch = owners.claimStart(0)
    owners.begin(0, epoch, built.ownLifeSign(), 1)
    server = new built.ChannelServer(memory, 0, epoch, services)
  }
  /** A death: what it had in hand is never answered, and nothing is given back. */
  const die = async () => {
    // What it was about to answer is out: a thread that is dead does no more.
    await turn()
    server = undefined
    late.length = 0
    owners.bury(0, epoch)
  }
  const ask = (client) => {
    const name = `${asked++}:`.padEnd(1 + random(60), 'p')
    const kind = Object.values(KIND)[random(8) % 5]
    const payload = Buffer.from(name)
    const controller = random(6) === 0 ? new AbortController() : undefined
    const timeout = random(8) === 0 ? 1 : 60_000
    // Without room for it an answer is asked for once more, and begun twice.
    const room = kind === KIND.fails && random(2) === 0 ? 0 : 64
    let endings = 0
    const end = () => {
      ended++
      if (++endings > 1) problems.push(`${name} ended twice`)
    }
    client.asked++
    client.channel.request(0, kind, payload, { timeout, signal: controller?.signal, room }).then(
      (answer) => {
        end()
        const isRight =
          kind === KIND.long
            ? answer?.length === 700 && answer.every((byte) => byte === payload[0])
            : Buffer.from(answer ?? []).toString() === name
        if (!isRight || kind === KIND.fails || kind === KIND.grows) problems.push(`${name} was answered wrongly`)
      },
      (error) => {
        end()
        const fits = CODES.has(error.code) || (controller !== undefined && error.name === 'AbortError')
        if (!fits) problems.push(`${name} failed with ${error.stack}`)
        if (error.code === 'OSTRAKA_ERR_REQUEST_FAILED' && (kind !== KIND.fails || error.message !== 'on purpose')) {
          problems.push(`${name} failed without a reason: ${error.message}`)
        }
      },
    )
    if (controller !== undefined && random(2) === 0) late.push(() => controller.abort())
    if (controller !== undefined) client.controllers.push(controller)
  }

  start()
  for (let step = 0; step < steps; step++) {
    const action = random(24)
    const all = [...clients.values()]
    const client = all[random(Math.max(1, all.length))]
    if (action === 0 && clients.size < shape.lanes) {
      clients.set(step, { channel: new built.ChannelClient(channel, owners), asked: 0, controllers: [] })
    } else if (action === 1 && server !== undefined) await die()
    else if (action <= 3 && server === undefined) start()
    else if (action === 4 && client !== undefined) {
      client.channel.close()
      for (const [key, value] of clients) if (value === client) clients.delete(key)
    } else if (action <= 6) late.splice(random(Math.max(1, late.length)), 1)[0]?.()
    else if (action <= 10) server?.serve()
    else if (action === 11) client?.controllers[random(client.controllers.length || 1)]?.abort()
    else if (action === 12) await new Promise((resolve) => setTimeout(resolve, random(3) === 0 ? 25 : 2))
    else if (action <= 14) await turn()
    else if (client !== undefined) for (let n = random(6); n >= 0; n--) ask(client)
  }
  // The end: somebody serves, everything late comes, and nobody may wait any more.
  if (server === undefined) start()
  for (let round = 0; round < 400 && (ended < asked || round < 4); round++) {
    server.serve()
    for (const done of late.splice(0)) done()
    await (round % 8 === 7 ? new Promise((resolve) => setTimeout(resolve, 5)) : turn())
  }
  if (ended !== asked) problems.push(`${asked - ended} of ${asked} requests never ended`)
  for (const [, { channel: mine }] of clients) {
    if (mine.pending !== 0) problems.push(`a client counts ${mine.pending} that are pending`)
    mine.close()
  }
  server.serve()
  for (let round = 0; round < 20; round++) {
    for (const done of late.splice(0)) done()
    await turn()
    server.serve()
  }
  if (server.inHand !== 0) problems.push(`the owner has ${server.inHand} requests in hand`)
  for (let lane = 0; lane < shape.lanes; lane++) {
    const at = memory.lane(0, lane)
    if (memory.words[at + built.Lane.sign] !== 0) problems.push(`lane ${lane} is still somebody's`)
  }
  return problems
}
