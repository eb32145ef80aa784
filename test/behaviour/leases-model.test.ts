// Random loads, writes, removals and invalidations against a model, in a memory so small that records move all the time.
import { expect, it } from 'vitest'
import { createRegions } from '../../src/engine/create.js'
import { Acquired, type Engine, Found, FoundState, Lease, Mode, Status } from '../../src/engine/engine.js'
import { suite } from './suite.js'

interface Entry {
  value: string
  soft: number
  end: number
  tags: number[]
}

interface Slot {
  entry: Entry | undefined
  token: number
  deadline: number
}

const KEYS = 6
const STEPS = 2000
const LEASE_MS = 60

function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

suite('leases against a model', (bench) => {
  for (const maxEntries of [0, 2000]) {
    it(`agree on every step, ${maxEntries === 0 ? 'bounded by bytes' : 'bounded by entries'}`, () => {
      const seed = Date.now() % 1_000_000
      const random = randomOf(seed)
      const engines = bench.engines(createRegions({ maxBytes: 2 ** 20, maxEntries, manualClock: true }))
      const any = () => engines[random(engines.length)] as Engine
      const slots: Slot[] = Array.from({ length: KEYS }, () => ({ entry: undefined, token: 0, deadline: 0 }))
      const old: [string, number][] = []
      let now = 0
      let filler = 0
      const fields = (more: object) => ({
        ...{ ttl: -1, idle: -1, soft: -1, cost: -1, lease: 0, tags: new Uint32Array(0) },
        ...{ stamp: any().tagStamp() },
        ...more,
      })
      const runs = (slot: Slot) => slot.token !== 0 && slot.deadline > now
      const sees = (slot: Slot) =>
        slot.entry && slot.entry.soft > now && slot.entry.end > now ? slot.entry : undefined
      const unbind = (key: string, slot: Slot) => {
        if (slot.token !== 0) old.push([key, slot.token])
        slot.token = 0
      }
      for (let step = 0; step < STEPS; step++) {
        const said = `seed ${seed}, step ${step}`
        const number = random(KEYS)
        const key = `key ${number}`
        const slot = slots[number] as Slot
        const engine = any()
        const value = `${step} `.repeat(1 + random(40))
        switch (random(10)) {
          case 0: {
            const soft = 1 + random(50)
            const ttl = soft + random(50)
            const tags = Array.from({ length: random(3) }, () => random(4))
            const all = fields({ soft, ttl, tags: new Uint32Array(tags) })
            expect(engine.writeEntry(key, value, 0, Mode.set, all), said).toBe(Status.stored)
            unbind(key, slot)
            slot.entry = { value, soft: now + soft, end: now + ttl, tags }
            break
          }
          case 1: {
            expect(engine.delete(key), said).toBe(sees(slot) !== undefined)
            unbind(key, slot)
            slot.entry = undefined
            break
          }
          case 2:
          case 3: {
            const token = engine.acquireLease(key, LEASE_MS)
            if (sees(slot)) expect(token, said).toBe(Acquired.present)
            else if (runs(slot)) expect([token, engine.found[Found.lease]], said).toEqual([0, slot.token])
            else {
              expect(token, said).toBeGreaterThan(0)
              unbind(key, slot)
              slot.token = token
              slot.deadline = now + LEASE_MS
              if (slot.entry && slot.entry.end <= now) slot.entry = undefined
            }
            break
          }
          case 4:
          case 5: {
            if (slot.token === 0) break
            const isRunning = runs(slot)
            const all = fields({ lease: slot.token })
            const status = engine.writeEntry(key, value, 0, Mode.fill, all)
            expect(status, said).toBe(isRunning ? Status.stored : Status.refused)
            any().endLease(key, slot.token, isRunning ? Lease.filled : Lease.abandoned, undefined)
            if (isRunning) slot.entry = { value, soft: Infinity, end: Infinity, tags: [] }
            unbind(key, slot)
            break
          }
          case 6: {
            if (!runs(slot)) break
            const how = [Lease.failed, Lease.nothing, Lease.abandoned][random(3)] as number
            engine.endLease(key, slot.token, how, new Uint8Array(random(100)))
            expect(any().leaseState(slot.token), said).toBe(how)
            if (how === Lease.nothing) slot.entry = undefined
            unbind(key, slot)
            break
          }
          case 7: {
            const [at, token] = old[random(old.length)] ?? ['key 0', 0]
            const all = fields({ lease: token })
            expect(engine.writeEntry(at, 'late', 0, Mode.fill, all), `${said}: an old token fills`).toBe(Status.refused)
            break
          }
          case 8: {
            const by = random(15)
            engine.advance(by)
            now += by
            break
          }
          default: {
            const tag = random(4)
            engine.invalidateTags(new Uint32Array([tag]))
            for (const [i, each] of slots.entries()) {
              if (!each.entry?.tags.includes(tag)) continue
              each.entry = undefined
              // What is being refreshed comes too late, whatever its tags.
              if (each.token === 0) continue
              const late = fields({ lease: each.token })
              if (runs(each)) expect(any().writeEntry(`key ${i}`, 'x', 0, Mode.fill, late), said).toBe(Status.refused)
              any().endLease(`key ${i}`, each.token, Lease.abandoned, undefined)
              any().delete(`key ${i}`)
              unbind(`key ${i}`, each)
            }
          }
        }
        for (let i = 0; i < 12; i++)
          any().writeString(`filler ${filler++}`, 'f'.repeat(60 + random(200)), Mode.set, -1, -1)
        for (const [i, each] of slots.entries()) {
          const seen = sees(each)
          // Entries may be evicted; nothing else may be seen, and what is leased stays.
          const got = any().read(`key ${i}`, true)
          if (got !== undefined || (seen && runs(each))) expect(got, `${said}, key ${i}`).toBe(seen?.value)
          else if (seen) each.entry = undefined
          const reader = any()
          const found = reader.lookUp(`key ${i}`)
          const state = reader.found[Found.state]
          if (state === FoundState.stale) {
            const entry = each.entry
            expect([found, entry && entry.soft <= now && entry.end > now], `${said}, key ${i}`).toEqual([
              entry?.value,
              true,
            ])
          }
          if (runs(each)) expect(reader.found[Found.lease], `${said}, key ${i}`).toBe(each.token)
        }
      }
      const keys: string[] = []
      const last = any()
      for (let cursor = last.scan(0, 100, '', keys); cursor !== 0; ) cursor = last.scan(cursor, 100, '', keys)
      for (const each of keys) expect(any().delete(each)).toBe(true)
      for (let i = 0; i < KEYS; i++) any().delete(`key ${i}`)
      expect(any().size).toBe(0)
    })
  }
})
