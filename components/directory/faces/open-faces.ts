// SPDX-License-Identifier: Apache-2.0
// A thread that makes faces, started with the first photo. Whatever a photo does to it, the next one finds a thread again.
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../kit/store/worker-url.ts'
import type { FaceMade, FaceMaker } from '../domain/face.ts'
import type { DrawLimits } from './draw.ts'
import type { DrawAsk, DrawTold } from './face-worker.ts'

/** XEP-0153 §4.6. A photo of 20 million pixels takes about 60 MB while it is unpacked, if it must be unpacked whole. */
export const FACE_LIMITS: DrawLimits = {
  bytes: 5 * 2 ** 20,
  pixels: 20_000_000,
  seconds: 5,
  side: 96,
  faceBytes: 8_192,
}

type Waiting = { photo: Uint8Array; resolve(made: FaceMade): void; reject(error: Error): void }

/** `waiting`: photos that may wait their turn; more are refused. A photo that hangs the thread costs it `graceMs` beside its seconds. */
export type FaceOptions = { limits?: Partial<DrawLimits>; waiting?: number; graceMs?: number; idleMs?: number }

export function openFaces(options: FaceOptions = {}): FaceMaker {
  return new Faces(options)
}

class Faces implements FaceMaker {
  readonly #limits: DrawLimits
  readonly #most: number
  readonly #withinMs: number
  readonly #idleMs: number
  readonly #queue: Waiting[] = []
  #worker: Worker | null = null
  #current: { id: number; waiting: Waiting; timer: NodeJS.Timeout } | null = null
  #idle: NodeJS.Timeout | undefined
  #last = 0
  #closed = false

  constructor({ limits, waiting = 64, graceMs = 5_000, idleMs = 60_000 }: FaceOptions) {
    this.#limits = { ...FACE_LIMITS, ...limits }
    this.#most = waiting
    this.#withinMs = this.#limits.seconds * 1_000 + graceMs
    this.#idleMs = idleMs
  }

  make(photo: Uint8Array): Promise<FaceMade> {
    if (this.#closed) return Promise.reject(new Error('faces are closed'))
    if (photo.byteLength > this.#limits.bytes) return Promise.resolve({ fault: 'too-large' })
    if (this.#queue.length >= this.#most) return Promise.reject(new Error('too many photos wait'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ photo, resolve, reject })
      this.#next()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const gone = new Error('faces are closed')
    for (const { reject } of this.#queue.splice(0)) reject(gone)
    this.#settle((waiting) => waiting.reject(gone))
    await this.#stop()
  }

  #next(): void {
    if (this.#current !== null || this.#closed) return
    const waiting = this.#queue.shift()
    clearTimeout(this.#idle)
    if (waiting === undefined) {
      // libvips and its pools are some 40 MB that nobody needs between two changes of the directory.
      this.#idle = setTimeout(() => void this.#stop(), this.#idleMs)
      this.#idle.unref()
      return
    }
    const worker = this.#worker ?? this.#start()
    const id = ++this.#last
    const timer = setTimeout(() => this.#lost('too-slow'), this.#withinMs)
    this.#current = { id, waiting, timer }
    worker.postMessage({ id, photo: waiting.photo } satisfies DrawAsk)
  }

  #start(): Worker {
    const worker = new Worker(workerUrl(new URL('./face-worker.ts', import.meta.url)), {
      workerData: this.#limits,
      name: 'directory faces',
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    })
    worker.on('message', ({ id, made }: DrawTold) => {
      if (this.#current?.id !== id) return
      this.#settle((waiting) => waiting.resolve(made))
      this.#next()
    })
    const ended = (): void => {
      if (this.#worker === worker) this.#lost('broken')
    }
    worker.on('error', ended)
    worker.on('exit', ended)
    worker.unref()
    this.#worker = worker
    return worker
  }

  /** The thread hangs or is gone: the photo in its hands has done it. */
  #lost(fault: 'broken' | 'too-slow'): void {
    const stopping = this.#stop()
    this.#settle((waiting) => waiting.resolve({ fault }))
    void stopping.then(() => this.#next())
  }

  #settle(how: (waiting: Waiting) => void): void {
    const current = this.#current
    if (current === null) return
    this.#current = null
    clearTimeout(current.timer)
    how(current.waiting)
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }
}
