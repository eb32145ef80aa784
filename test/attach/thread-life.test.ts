// Proof of death: the living, however blocked, are never taken for dead, and the dead are seen, with and without /proc.

import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { isGone, type LifeSign, ownLifeSign } from '../../src/attach/thread-life.js'

async function blockedThread(kind: 'ownLifeSign' | 'groupSign'): Promise<{ worker: Worker; sign: LifeSign }> {
  const worker = new Worker(new URL('./fixtures/life.mjs', import.meta.url), { workerData: kind })
  const sign = await new Promise<LifeSign>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return { worker, sign }
}

test.each(['ownLifeSign', 'groupSign'] as const)(
  '%s: a blocked thread lives, a terminated one is gone',
  async (kind) => {
    const { worker, sign } = await blockedThread(kind)
    for (let i = 0; i < 20; i++) {
      expect(isGone(sign)).toBe(false)
      await turn()
    }
    await worker.terminate()
    expect(isGone(sign)).toBe(true)
  },
)

test.runIf(process.platform === 'linux')(
  'on Linux the sign is the OS thread, and another start time is another thread',
  () => {
    const sign = ownLifeSign()
    expect(sign.word).toBeGreaterThan(0)
    expect(sign.startLow).not.toBe(0)
    expect(isGone(sign)).toBe(false)
    expect(isGone({ ...sign, startLow: sign.startLow - 1 })).toBe(true)
    expect(isGone({ ...sign, startLow: 0, startHigh: 0 })).toBe(false)
    expect(isGone({ word: 2 ** 22 + 5, startLow: 0, startHigh: 0 })).toBe(true)
  },
)
