// SPDX-License-Identifier: Apache-2.0
// The thread in which photos are redrawn: one in, one answer out.
import { parentPort, workerData } from 'node:worker_threads'
import type { FaceMade } from '../domain/face.ts'
import { type DrawLimits, drawFace } from './draw.ts'

/** Main thread to worker, and back. */
export type DrawAsk = { id: number; photo: Uint8Array }
export type DrawTold = { id: number; made: FaceMade }

const limits: DrawLimits = workerData

parentPort?.on('message', ({ id, photo }: DrawAsk) => {
  void drawFace(photo, limits).then((made) => parentPort?.postMessage({ id, made } satisfies DrawTold))
})
