// The thread of the demo's origin: answers the server threads, each over a port of its own, and tells how often it was asked.
// May touch: its ports, timers.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { answer } from './calls.js'
import { Origin, type OriginSettings } from './origin.js'

export interface OriginTask {
  readonly settings: OriginSettings
  readonly ports: readonly MessagePort[]
}

export interface OriginRequest {
  readonly id: number
  readonly key: string
}

export interface OriginReply {
  readonly id: number
  readonly body: string | undefined
}

const { settings, ports } = workerData as OriginTask
const origin = new Origin(settings)

for (const port of ports) {
  port.on('message', ({ id, key }: OriginRequest) => {
    void origin.load(key).then((body) => port.postMessage({ id, body } satisfies OriginReply))
  })
}

const answers = {
  loads: () => origin.loads,
  close: () => {
    for (const port of ports) port.close()
    // After the answer has gone.
    setImmediate(() => parentPort!.close())
  },
}
export type OriginAnswers = typeof answers

answer(parentPort!, answers)
