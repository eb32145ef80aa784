// The wasm kernels: 64-bit atomics and slot scans on a region, and the long-key hash. Built synchronously, a few microseconds each.
// May touch: the one memory it is given. Addresses are byte offsets; the sources are kernel.wat and keyhash.wat.

import { kernelBytes, keyHashBytes } from './kernel-bytes.js'

/** Exports of kernel.wat over one region; see there for what each does. */
export interface Kernel {
  cas64(address: number, expectedLow: number, expectedHigh: number, newLow: number, newHigh: number): number
  rebind(
    slot: number,
    expectedLow: number,
    expectedHigh: number,
    newLow: number,
    newHigh: number,
    version: number,
  ): number
  store64(address: number, low: number, high: number): void
  loadNumber(address: number): number
  raiseNumber(address: number, least: number): void
  addNumber(address: number, by: number): void
  highOf(address: number, low: number): number
  find(bucket: number, wanted: number, from: number, other: number): number
  rival(bucket: number, tag: number, own: number, from: number): number
  vacancy(first: number, second: number): number
  holder(bucket: number, location: number): number
}

export interface KeyHashKernel {
  readonly memory: WebAssembly.Memory
  xxh64(length: number, seedLow: number, seedHigh: number): number
  high(): number
}

let kernelModule: WebAssembly.Module | undefined
let keyHashModule: WebAssembly.Module | undefined

export function kernelOver(memory: WebAssembly.Memory): Kernel {
  kernelModule ??= new WebAssembly.Module(kernelBytes)
  return new WebAssembly.Instance(kernelModule, { region: { memory } }).exports as unknown as Kernel
}

/** With a private memory of 128 KiB, in which the key lies. */
export function keyHashKernel(): KeyHashKernel {
  keyHashModule ??= new WebAssembly.Module(keyHashBytes)
  return new WebAssembly.Instance(keyHashModule).exports as unknown as KeyHashKernel
}
