// One load for all threads: who loads, who is told what, and what happens when the loading thread dies, hangs or fails.
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { type Answers, mixes, Thread, Threads, until } from './threads.js'

const thread = (threads: Threads, index: number) => threads.all[index] as Thread
const loadedOf = (answers: Answers) => {
  const [answer] = answers[0] ?? []
  if (typeof answer !== 'object' || answer.value === undefined) throw new Error(`no value: ${JSON.stringify(answers)}`)
  return answer.value as { key: string; by: number }
}
const errorOf = (answers: Answers) => {
  const [answer] = answers[0] ?? []
  if (typeof answer !== 'object' || answer.error === undefined) throw new Error(`no error: ${JSON.stringify(answers)}`)
  return answer.error
}

describe.each(mixes.map((engines) => ({ name: engines.join(' and '), engines })))(
  'over threads, $name',
  ({ engines }) => {
    it('4 threads with 1,000 callers each make one load', async () => {
      const threads = await Threads.open(engines, 4)
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'value', callers: 1000 })))
      threads.openGate()
      const all = await Promise.all(asked.map(({ answers }) => answers))
      expect(threads.loads).toBe(1)
      for (const answers of all) expect(answers).toEqual([[{ value: loadedOf(all[0] as Answers) }, 1000]])
      const { started, waited } = threads.cache.stats().loads
      expect([started, waited]).toEqual([1, 3999])
      await threads.close()
    })

    it('makes one load for each of many keys', async () => {
      const threads = await Threads.open(engines, 3)
      const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
      threads.openGate()
      const asked = keys.flatMap((key) => threads.all.map((one) => one.ask({ key, loader: 'value', callers: 3 })))
      for (const { answers } of await Promise.all(asked)) expect((await answers)[0]?.[1]).toBe(3)
      expect(threads.loads).toBe(keys.length)
      await threads.close()
    })

    it('a thread that dies while it loads hands over: exactly one more load', async () => {
      const threads = await Threads.open(engines, 4)
      await thread(threads, 0).ask({ loader: 'value' })
      const asked = await Promise.all(threads.all.slice(1).map((one) => one.ask({ loader: 'value', callers: 100 })))
      expect(threads.loads).toBe(1)
      await thread(threads, 0).worker.terminate()
      await until(() => threads.loads === 2)
      threads.openGate()
      const all = await Promise.all(asked.map(({ answers }) => answers))
      for (const answers of all) expect(answers).toEqual([[{ value: loadedOf(all[0] as Answers) }, 100]])
      expect(threads.loads).toBe(2)
      await threads.close()
    })

    it('threads that die one after the other while they load leave nobody waiting', async () => {
      const threads = await Threads.open(engines, 2)
      threads.openGate()
      const keys = Array.from({ length: 8 }, (_, index) => `k${index}`)
      let answered = 0
      let over = false
      const survivors = threads.all.map(async (one) => {
        while (!over) {
          const asked = await Promise.all(keys.map((key) => one.ask({ key, loader: 'slow', callers: 5 })))
          for (const { answers } of asked)
            for (const [answer, count] of await answers)
              answered += typeof answer === 'object' && answer.value !== undefined ? count : Number.NaN
        }
      })
      for (let round = 0; round < 6; round++) {
        const victim = new Thread(threads.cache.name, engines[round % engines.length] as string, threads.shared)
        await once(victim.worker, 'message')
        await Promise.all(keys.map((key) => victim.ask({ key, loader: 'slow', callers: 5 })))
        for (let i = 0; i < 10; i++) {
          threads.cache.delete(keys[i % keys.length] as string)
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
        }
        await victim.worker.terminate()
      }
      over = true
      await Promise.all(survivors)
      expect(answered).toBeGreaterThan(0)
      for (const key of keys)
        expect((await (await thread(threads, 0).ask({ key, loader: 'slow' })).answers)[0]?.[1]).toBe(1)
      await threads.close()
    })

    it('a handle that is closed while it waits for another thread refuses its callers', async () => {
      const threads = await Threads.open(engines, 1)
      const there = await thread(threads, 0).ask({ loader: 'value' })
      const here = threads.cache.getOrSet('k', () => 'here').catch((error: unknown) => error)
      await threads.cache.close()
      expect(await here).toMatchObject({ code: 'OSTRAKA_ERR_CLOSED' })
      threads.openGate()
      expect(loadedOf(await there.answers)).toMatchObject({ key: 'k' })
      await threads.close()
    })

    it('where the cache was closed for all, loaders still answer their callers', async () => {
      const threads = await Threads.open(engines, 2)
      const before = await thread(threads, 0).ask({ loader: 'value' })
      const waits = await thread(threads, 1).ask({ loader: 'value' })
      await threads.cache.close({ all: true })
      threads.openGate()
      expect(loadedOf(await before.answers)).toMatchObject({ key: 'k' })
      expect(loadedOf(await waits.answers)).toMatchObject({ key: 'k' })
      const after = await thread(threads, 1).ask({ loader: 'value', callers: 3 })
      expect(loadedOf(await after.answers)).toMatchObject({ key: 'k' })
      await threads.close()
    })

    it('an error reaches other threads with its name, message, code, status, stack and cause', async () => {
      const threads = await Threads.open(engines, 3)
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'fails', callers: 5 })))
      await until(async () => threads.cache.stats().loads.waited === 14)
      threads.openGate()
      for (const { answers } of asked) {
        const all = await answers
        expect(all.map(([, count]) => count)).toEqual([5])
        const error = errorOf(all)
        expect(error).toMatchObject({
          instance: true,
          name: 'HttpError',
          message: 'upstream is down',
          code: 'E_UPSTREAM',
          status: 503,
          cause: ['no route', 'cable'],
        })
        expect(error.stack).toContain('thread.mjs')
      }
      expect(threads.loads).toBe(1)
      // It is not kept for those who come later.
      const later = await thread(threads, 1).ask({ loader: 'value' })
      expect(loadedOf(await later.answers)).toMatchObject({ key: 'k' })
      expect(threads.loads).toBe(2)
      await threads.close()
    })

    it('a value that cannot be encoded is an error in all of them', async () => {
      const threads = await Threads.open(engines, 2)
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'clone' })))
      await until(async () => threads.cache.stats().loads.waited === 1)
      threads.openGate()
      for (const { answers } of asked) {
        expect(errorOf(await answers)).toMatchObject({ name: 'OstrakaError', code: 'OSTRAKA_ERR_INVALID_VALUE' })
      }
      expect(threads.loads).toBe(1)
      await threads.close()
    })

    it('undefined is told to all who wait, who do not load again', async () => {
      const threads = await Threads.open(engines, 3)
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'undefined', callers: 10 })))
      await until(async () => threads.cache.stats().loads.waited === 29)
      threads.openGate()
      for (const { answers } of asked) expect(await answers).toEqual([[{}, 10]])
      expect(threads.loads).toBe(1)
      expect(threads.cache.size).toBe(0)
      await threads.close()
    })

    it('a load that hangs ends for all at its hard timeout, and the next caller loads', async () => {
      const threads = await Threads.open(engines, 3)
      const first = await thread(threads, 0).ask({ loader: 'hangs', options: { hardTimeout: 200 } })
      const others = await Promise.all(threads.all.slice(1).map((one) => one.ask({ loader: 'hangs', callers: 3 })))
      for (const { answers } of [first, ...others]) {
        expect(errorOf(await answers)).toMatchObject({ name: 'OstrakaError', code: 'OSTRAKA_ERR_LOAD_TIMEOUT' })
      }
      expect(threads.loads).toBe(1)
      threads.openGate()
      const next = await thread(threads, 1).ask({ loader: 'value' })
      expect(loadedOf(await next.answers)).toMatchObject({ key: 'k' })
      await threads.close()
    })

    it("a caller waits no longer than its own hard timeout for another thread's load", async () => {
      const threads = await Threads.open(engines, 2)
      const first = await thread(threads, 0).ask({ loader: 'value' })
      const other = await thread(threads, 1).ask({ loader: 'value', options: { hardTimeout: 100 } })
      expect(errorOf(await other.answers)).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_TIMEOUT' })
      threads.openGate()
      expect(loadedOf(await first.answers)).toMatchObject({ key: 'k' })
      expect(threads.loads).toBe(1)
      await threads.close()
    })

    it('loads that wait for each other over two threads get an error, not a deadlock', async () => {
      const threads = await Threads.open(engines, 2)
      const asked = await Promise.all(
        ['a', 'b'].map((key, index) => thread(threads, index).ask({ key, loader: 'ask' })),
      )
      await until(() => threads.loads === 2)
      threads.openGate()
      for (const { answers } of asked) expect(errorOf(await answers)).toMatchObject({ code: 'OSTRAKA_ERR_LOAD_CYCLE' })
      await threads.close()
    })

    it('nobody is served after an invalidation what was being loaded before it', async () => {
      const threads = await Threads.open(engines, 3)
      const before = await thread(threads, 0).ask({ loader: 'value' })
      await thread(threads, 2).call('invalidate', { key: 'k' })
      const after = await Promise.all([0, 1].map((index) => thread(threads, index).ask({ loader: 'value' })))
      await until(() => threads.loads === 2)
      threads.openGate()
      const [old, ...rest] = await Promise.all([before, ...after].map(({ answers }) => answers))
      expect(loadedOf(old as Answers).by).toBe(thread(threads, 0).worker.threadId)
      expect(loadedOf(rest[0] as Answers)).toEqual(loadedOf(rest[1] as Answers))
      expect(threads.cache.get('k')).toEqual(loadedOf(rest[0] as Answers))
      expect(threads.loads).toBe(2)
      await threads.close()
    })

    it('a load goes on for callers of other threads when its own have left', async () => {
      const threads = await Threads.open(engines, 2)
      const leaving = await thread(threads, 0).ask({ loader: 'value', controller: 1 })
      const staying = await thread(threads, 1).ask({ loader: 'value' })
      await thread(threads, 0).call('abort', { controller: 1 })
      expect(errorOf(await leaving.answers)).toMatchObject({ name: 'AbortError' })
      threads.openGate()
      expect(loadedOf(await staying.answers).by).toBe(thread(threads, 0).worker.threadId)
      expect(threads.loads).toBe(1)
      await threads.close()
    })

    it('a load that is given up is taken over by a caller of another thread', async () => {
      const threads = await Threads.open(engines, 2)
      const leaving = await thread(threads, 0).ask({ loader: 'hangs', controller: 1 })
      await thread(threads, 0).call('abort', { controller: 1 })
      expect(errorOf(await leaving.answers)).toMatchObject({ name: 'AbortError' })
      threads.openGate()
      const next = await thread(threads, 1).ask({ loader: 'value' })
      expect(loadedOf(await next.answers).by).toBe(thread(threads, 1).worker.threadId)
      await threads.close()
    })

    it('one thread renews what is stale, while the others serve it', async () => {
      const threads = await Threads.open(engines, 4, { clock: 'manual' })
      const options = { ttl: '1s', grace: '1h', softTimeout: 0 }
      await threads.cache.getOrSet('k', () => 'old', options)
      threads.cache.advance('2s')
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'value', callers: 50, options })))
      for (const { answers } of asked) expect(await answers).toEqual([[3, 50]])
      expect(threads.loads).toBe(1)
      threads.openGate()
      await until(() => typeof threads.cache.get('k') === 'object')
      expect(threads.loads).toBe(1)
      await threads.close()
    })

    it('a renewal that fails leaves the stale value to all, and each thread rests', async () => {
      const threads = await Threads.open(engines, 3, { clock: 'manual' })
      const options = { ttl: '1s', grace: '1h' }
      await threads.cache.getOrSet('k', () => 'old', options)
      threads.cache.advance('2s')
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'fails', callers: 10, options })))
      await until(async () => threads.cache.stats().loads.waited === 29)
      threads.openGate()
      for (const { answers } of asked) expect(await answers).toEqual([[3, 10]])
      expect(threads.loads).toBe(1)
      const again = await Promise.all(threads.all.map((one) => one.ask({ loader: 'fails', options })))
      for (const { answers } of again) expect(await answers).toEqual([[3, 1]])
      expect(threads.loads).toBe(1)
      await threads.close()
    })

    it('a value that the cache cannot take is loaded by each thread for itself', async () => {
      const threads = await Threads.open(engines, 3)
      threads.openGate()
      const asked = await Promise.all(threads.all.map((one) => one.ask({ loader: 'large', callers: 3 })))
      for (const { answers } of asked) expect(await answers).toEqual([[32 * 1024 * 1024, 3]])
      expect(threads.loads).toBeLessThanOrEqual(3)
      await threads.close()
    })
  },
)
