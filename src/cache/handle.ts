// What all views of one handle share: the engine that this thread attached, and whether the handle is open. Touches nothing by itself.
import { Buffer } from 'node:buffer'
import type { Engine } from '../engine/engine.js'
import { loadsOf } from '../loading/loads.js'
import type { Observer } from '../stats/observer.js'
import type { RawBuffer } from '../values/format.js'
import { closedEngine, closedError } from './closed-engine.js'

export class Handle {
  /** Whatever is asked of it after `close` throws OSTRAKA_ERR_CLOSED. */
  engine: Engine
  /** The engine's scratch, as the kind of array that reads strings fast. */
  scratch: RawBuffer
  /** What this thread notes about its operations. */
  readonly observer: Observer
  /** What is answered without the engine has to look here. */
  open = true

  constructor(engine: Engine, observer: Observer) {
    this.engine = engine
    this.observer = observer
    this.scratch = bufferOver(engine.scratch)
  }

  close(): void {
    this.open = false
    loadsOf(this.engine).close(this, closedError())
    this.engine = closedEngine
    this.scratch = Buffer.alloc(0) as RawBuffer
  }
}

export function bufferOver(bytes: Uint8Array): RawBuffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length) as RawBuffer
}
