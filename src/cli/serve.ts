// The serve command: the live page over a demonstration load, real work of worker threads on one cache. May touch: worker threads, one port, stdout.
import { Worker } from 'node:worker_threads'
import { createCache } from '../index.js'
import { type Command, usageError, wholeNumber } from './command.js'
import { writeJson } from './json-file.js'
import { bold } from './text.js'

const LEAST_SECONDS = 1
const WEEK = 7 * 24 * 3600

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Serve a live page about a cache under a demonstration load',
  usage: 'serve [--port N] [--host ADDRESS --token TEXT] [--redact] [--threads N] [--seconds N] [--json FILE]',
  positionals: 0,
  options: {
    port: { value: 'N', help: 'where it listens; 0: any that is free. Default 7007' },
    host: { value: 'ADDRESS', help: 'default 127.0.0.1; any other needs --token' },
    token: { value: 'TEXT', help: 'at least 16 characters: asked of everybody, and lets who has it change the level' },
    redact: { help: 'show keys as short hashes' },
    threads: { value: 'N', help: 'worker threads of the load, default 2; 0: none' },
    seconds: { value: 'N', help: 'end after so many; default: until Ctrl-C' },
    json: { value: 'FILE', help: 'at the end, write what the cache counted as JSON; - for standard output' },
  },
  details: 'In a program of your own: await cache.serve({ port: 7007 }).',
  async run({ values }) {
    const number = (name: string, fallback: number, least: number, most: number) => {
      const text = values[name]
      return text === undefined ? fallback : wholeNumber(`--${name}`, String(text), least, most)
    }
    const threads = number('threads', 2, 0, 64)
    const seconds = number('seconds', 0, LEAST_SECONDS, WEEK)
    const port = number('port', 7007, 0, 65_535)
    const { host, token } = values
    if (host === true || token === true) throw usageError('--host and --token take a value')
    const cache = createCache({ name: 'demonstration', maxBytes: '64mb' })
    cache.events.loadShare = 0.01
    const page = await cache.serve({ port, host, token, redactKeys: values['redact'] === true })
    const workers = Array.from({ length: threads }, (_, id) => {
      return new Worker(new URL('../workers/demonstration.js', import.meta.url), { workerData: { id } })
    })
    if (values['json'] !== '-') {
      process.stdout.write(`${bold(page.url)} shows a cache that ${threads} threads use. Ctrl-C ends it.\n`)
    }
    await ended(seconds)
    await Promise.all(workers.map((worker) => worker.terminate()))
    const stats = cache.stats()
    await page.close()
    await cache.close()
    if (values['json'] !== undefined) writeJson(String(values['json']), stats)
    return 0
  },
}

/** After so many seconds, or with 0 when somebody asks for the end. */
function ended(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    // The page keeps no process alive, so this does.
    const timer = setTimeout(resolve, seconds === 0 ? 2 ** 31 - 1 : seconds * 1000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearTimeout(timer)
        resolve()
      })
    }
  })
}
