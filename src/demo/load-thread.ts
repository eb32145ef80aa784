// The demo's clients: keep-alive connections over node:http, each of which asks, waits for the whole answer, compares it and asks again.
// May touch: connections to 127.0.0.1, the shared position in the list of requests.
import { Agent, get } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { histogramBytes, LatencyHistogram } from '../replay/latency.js'
import { answer } from './calls.js'
import { type LoadCounts, type LoadSlice, type LoadTask, Progress } from './load-protocol.js'
import { bodyOf, keyOf } from './workload.js'

const { requests } = workerData as LoadTask

const agents = new Map<number, Agent>()

function agentOf(port: number): Agent {
  let agent = agents.get(port)
  if (agent === undefined) {
    agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
    agents.set(port, agent)
  }
  return agent
}

function ask(port: number, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: `/${key}`, agent: agentOf(port) }, (response) => {
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (piece: string) => {
        body += piece
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    }).on('error', reject)
  })
}

const answers = {
  slice: async ({ ports, connections, milliseconds, progress }: LoadSlice): Promise<LoadCounts> => {
    const latencies = new ArrayBuffer(histogramBytes)
    const histogram = new LatencyHistogram(latencies)
    let wrong = 0
    let failed = 0
    let done = 0
    const begun = performance.now()
    const end = begun + milliseconds

    const connection = async (port: number) => {
      while (performance.now() < end) {
        const key = keyOf(requests[Atomics.add(progress, Progress.next, 1) % requests.length]!)
        const before = performance.now()
        try {
          const body = await ask(port, key)
          histogram.record((performance.now() - before) * 1e6)
          if (body !== bodyOf(key)) wrong++
        } catch {
          failed++
        }
        done++
        Atomics.add(progress, Progress.done, 1)
      }
    }
    await Promise.all(Array.from({ length: connections }, (_, i) => connection(ports[i % ports.length]!)))
    return { requests: done, wrong, failed, latencies, seconds: (performance.now() - begun) / 1000 }
  },

  close: () => {
    for (const agent of agents.values()) agent.destroy()
    // After the answer has gone.
    setImmediate(() => parentPort!.close())
  },
}
export type LoadAnswers = typeof answers

answer(parentPort!, answers)
