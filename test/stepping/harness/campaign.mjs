// All kinds of schedules over one scenario, until something is wrong or the campaign is through.
import { dying, early, interrupted, priorities, random, visit } from './schedules.mjs'
import { scenarios } from './stage.mjs'

/** How much is played: numbers of schedules, and how densely interruptions and deaths are laid. */
export const efforts = {
  short: { random: 40, priorities: 40, once: 40, twice: 0, deaths: 40, early: 8, visits: 40, milliseconds: 2500 },
  mutant: {
    random: 400,
    priorities: 400,
    once: 500,
    twice: 0,
    deaths: 400,
    early: 40,
    visits: 1500,
    milliseconds: 20_000,
  },
  soak: {
    random: 4000,
    priorities: 4000,
    once: 5000,
    twice: 20_000,
    deaths: 4000,
    early: 100,
    visits: 8000,
    milliseconds: 600_000,
  },
}

/** Every `stride`-th of a generator's schedules, so that about `count` of `total` are played; `from` shifts which. */
function* thinned(schedules, total, count, from) {
  const stride = Math.max(1, Math.floor(total / count))
  let index = 0
  for (const schedule of schedules) if (index++ % stride === from % stride) yield schedule
}

/** The schedules of a campaign, dealt in turns from all kinds. `length`: steps that the scenario takes. */
function* deal(number, length, own, effort, seed) {
  const threads = scenarios[number].parts.length
  const kinds = [
    randoms(effort.random, seed),
    changing(threads, length, effort.priorities, seed),
    thinned(interrupted(threads, length, 1), threads * threads * length, effort.once, seed),
    deaths(own, effort.deaths, seed),
    early(threads, effort.early),
    visits(threads, length, effort.visits, seed),
  ]
  if (effort.twice > 0) {
    const total = (threads * threads * (threads - 1) * length * length) / 2
    kinds.push(thinned(interrupted(threads, length, 2), total, effort.twice, seed))
  }
  for (let open = kinds; open.length > 0; ) {
    const rest = []
    for (const kind of open) {
      const { value, done } = kind.next()
      if (done) continue
      rest.push(kind)
      yield value
    }
    open = rest
  }
}

function* randoms(count, seed) {
  for (let i = 0; i < count; i++) yield random(seed + i)
}

function* changing(threads, length, count, seed) {
  for (let i = 0; i < count; i++) yield priorities(seed + i, threads, length)
}

function* visits(threads, length, count, seed) {
  for (let i = 0; i < count; i++) yield visit(seed + i, threads, length)
}

/** A death before every step of every thread: of one that runs alone from the start, and of one among others. */
function* deaths(own, count, seed) {
  const total = own.reduce((sum, steps) => sum + steps, 0)
  const stride = Math.max(1, Math.ceil(total / count))
  let index = seed
  for (const [thread, steps] of own.entries()) {
    for (let step = 1; step <= steps; step++) {
      if (index++ % stride !== 0) continue
      yield dying({ mode: 'changes', first: thread }, thread, step)
      yield dying(random(index), thread, step)
    }
  }
}

/** Returns how many schedules were played, and the first that went wrong. */
export function campaign(stage, number, effort, seed) {
  const until = performance.now() + effort.milliseconds
  const straight = stage.play(number, { mode: 'changes' })
  if (straight.problems.length > 0) return { played: 1, failure: { schedule: 'straight', problems: straight.problems } }
  const length = straight.steps.reduce((sum, steps) => sum + steps, 0)
  let played = 1
  let died = 0
  for (const schedule of deal(number, length, straight.steps, effort, seed)) {
    const { problems, died: hasDied } = stage.play(number, schedule)
    played++
    if (hasDied) died++
    if (problems.length > 0) return { played, died, failure: { schedule, problems } }
    if (performance.now() > until) break
  }
  return { played, died, failure: undefined }
}
