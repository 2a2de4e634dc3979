// SPDX-License-Identifier: Apache-2.0
// The one file that knows sharp (libvips). A photo of the directory is hostile until it is redrawn: only four loaders are there, by
// what the bytes are; pixels are counted before they are unpacked; nothing of the original survives but the picture (no place, no
// name of a camera, no profile).
import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { type FaceMade, pictureKind } from '../domain/face.ts'

/** `bytes` of the photo; `pixels` of it, width times height; `faceBytes` of what comes out. */
export type DrawLimits = { bytes: number; pixels: number; seconds: number; side: number; faceBytes: number }

const LOADERS = ['Jpeg', 'Png', 'Nsgif', 'Webp'].map((kind) => `VipsForeignLoad${kind}Buffer`)

sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: LOADERS })
// One photo at a time, in its own thread; each is seen once.
sharp.concurrency(1)
sharp.cache(false)

/** XEP-0153 §4.6: between 32 and 96 pixels, and no more than 8 KB. */
const LEAST_SIDE = 32
/** Tried in turn until the bound holds: less colours first, then less pixels. */
const TRIES = [
  { of: 1, colours: 256 },
  { of: 1, colours: 128 },
  { of: 1, colours: 64 },
  { of: 5 / 6, colours: 64 },
  { of: 2 / 3, colours: 64 },
  { of: 2 / 3, colours: 32 },
  { of: 1 / 2, colours: 16 },
]

/** What is wrong with the photo is a value; it rejects only when something is wrong with us. */
export async function drawFace(photo: Uint8Array, limits: DrawLimits): Promise<FaceMade> {
  if (photo.byteLength > limits.bytes) return { fault: 'too-large' }
  const kind = pictureKind(photo)
  if (kind === null) return { fault: 'no-picture' }
  try {
    const { width, height, format } = await sharp(photo, { limitInputPixels: false }).metadata()
    if (format !== kind) return { fault: 'broken' }
    if (width * height > limits.pixels) return { fault: 'too-many-pixels' }
    return await draw(photo, Math.max(LEAST_SIDE, Math.min(width, height, limits.side)), limits)
  } catch (error) {
    return { fault: error instanceof Error && /timeout/i.test(error.message) ? 'too-slow' : 'broken' }
  }
}

async function draw(photo: Uint8Array, side: number, limits: DrawLimits): Promise<FaceMade> {
  // Once from the photo, however often it is written then.
  const square = await sharp(photo, { limitInputPixels: limits.pixels, failOn: 'error' })
    .timeout({ seconds: limits.seconds })
    .autoOrient()
    .toColourspace('srgb')
    .resize(side, side, { fit: 'cover', position: 'attention' })
    .png({ compressionLevel: 0 })
    .toBuffer()
  for (const { of, colours } of TRIES) {
    const size = Math.max(LEAST_SIDE, Math.round(side * of))
    const { data, info } = await sharp(square)
      .resize(size, size)
      .png({ palette: true, colours, compressionLevel: 9, effort: 4 })
      .toBuffer({ resolveWithObject: true })
    if (data.byteLength > limits.faceBytes) continue
    const sha1 = createHash('sha1').update(data).digest('hex')
    return { sha1, bytes: new Uint8Array(data), width: info.width, height: info.height }
  }
  return { fault: 'too-large' }
}
