// The part of the WebAssembly interface that Ostraka uses: @types/node 20 does not declare it, and the DOM library would declare
// a browser around it. Ambient on purpose; nothing here reaches the public types.

declare namespace WebAssembly {
  interface MemoryDescriptor {
    initial: number
    maximum?: number
    shared?: boolean
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor)
    readonly buffer: SharedArrayBuffer
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
}

// In Node 20's V8, and not in the ES2023 library.
interface String {
  isWellFormed(): boolean
}
