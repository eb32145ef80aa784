// What subscribers of the diagnostics channels hear of loads.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { suite } from '../behaviour/suite.js'
import { deferred, rejection, settled } from './deferred.js'

suite('events of loads', (bench) => {
  let heard: [string, unknown][] = []
  const hear = (message: unknown, name: string | symbol) => {
    heard.push([String(name).replace('ostraka:load:', ''), message])
  }
  beforeEach(() => {
    heard = []
    subscribe('ostraka:load:start', hear)
    subscribe('ostraka:load:end', hear)
  })
  afterEach(() => {
    unsubscribe('ostraka:load:start', hear)
    unsubscribe('ostraka:load:end', hear)
  })

  it('tell how each load began and ended', async () => {
    const cache = bench.open({ clock: 'manual' })
    const about = (key: string, more: object = {}) =>
      expect.objectContaining({ cache: bench.name, namespace: undefined, key, background: false, ...more })
    await cache.getOrSet('k', () => 1)
    await cache.getOrSet('k', () => 1)
    await cache.getOrSet<undefined>('none', () => undefined)
    await cache.getOrSet('brief', () => 1, { ttl: 0 })
    const error = new Error('down')
    await rejection(cache.getOrSet('down', () => Promise.reject(error)))
    const controller = new AbortController()
    const left = rejection(cache.getOrSet('left', () => new Promise(() => {}), { signal: controller.signal }))
    controller.abort()
    await left
    const milliseconds = expect.any(Number)
    expect(heard).toEqual([
      ['start', about('k')],
      ['end', about('k', { outcome: 'kept', milliseconds })],
      ['start', about('none')],
      ['end', about('none', { outcome: 'nothing' })],
      ['start', about('brief')],
      ['end', about('brief', { outcome: 'refused' })],
      ['start', about('down')],
      ['end', about('down', { outcome: 'failed', error })],
      ['start', about('left')],
      ['end', about('left', { outcome: 'aborted' })],
    ])
    await cache.close()
  })

  it('tell of namespaces and of the background', async () => {
    const cache = bench.open({ clock: 'manual' })
    const users = cache.namespace('users')
    const options = { ttl: '1s', grace: '1h', softTimeout: 0 }
    await users.getOrSet('1', () => 'old', options)
    cache.advance('2s')
    heard = []
    const gate = deferred<string>()
    await users.getOrSet('1', () => gate.promise, options)
    gate.resolve('new')
    await settled()
    const about = { namespace: 'users', key: '1', background: true }
    expect(heard).toEqual([
      ['start', expect.objectContaining(about)],
      ['end', expect.objectContaining({ ...about, outcome: 'kept' })],
    ])
    await cache.close()
  })
})
