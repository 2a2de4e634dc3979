// SPDX-License-Identifier: Apache-2.0
// Photos as directories have them, and as nobody should: what comes out is small, square and nothing but a picture.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { type Face, type FaceMade, pictureKind } from '../../../components/directory/domain/face.ts'
import { openFaces } from '../../../components/directory/faces/open-faces.ts'

const faces = openFaces()
after(() => faces[Symbol.asyncDispose]())

const noise = (width: number, height: number) =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  })

function isFace(made: FaceMade): Face {
  assert.ok(!('fault' in made), JSON.stringify(made))
  return made
}

describe('a face', () => {
  const kinds: [string, () => Promise<Buffer>, number][] = [
    ['a JPEG of a phone, 12 million pixels, over 4 MB', () => noise(4000, 3000).jpeg({ quality: 55 }).toBuffer(), 96],
    [
      'a progressive JPEG in CMYK',
      () => noise(300, 400).toColourspace('cmyk').jpeg({ progressive: true }).toBuffer(),
      96,
    ],
    ['a PNG with transparency', () => noise(200, 100).ensureAlpha(0.5).png().toBuffer(), 96],
    ['a GIF', () => noise(120, 130).gif().toBuffer(), 96],
    ['a WebP', () => noise(120, 130).webp().toBuffer(), 96],
    ['a thumbnail of Active Directory that is small already', () => noise(48, 48).jpeg().toBuffer(), 48],
    ['one pixel', () => noise(1, 1).png().toBuffer(), 32],
    ['a line', () => noise(2000, 1).png().toBuffer(), 32],
  ]
  for (const [title, photo, side] of kinds)
    it(`of ${title}`, async () => {
      const face = isFace(await faces.make(await photo()))
      assert.equal(pictureKind(face.bytes), 'png')
      const { width, height } = await sharp(face.bytes).metadata()
      assert.deepEqual([width, height], [face.width, face.height])
      assert.equal(width, height)
      assert.ok(width <= side && width >= 32, `${width}`)
      assert.ok(face.bytes.byteLength <= 8_192, `${face.bytes.byteLength} bytes`)
      assert.equal(face.sha1, createHash('sha1').update(face.bytes).digest('hex'))
    })

  it('of the same photo is the same, so that it is not published twice', async () => {
    const photo = await noise(200, 200).jpeg().toBuffer()
    const [one, other] = [isFace(await faces.make(photo)), isFace(await faces.make(Buffer.from(photo)))]
    assert.equal(one.sha1, other.sha1)
  })

  it('stands upright, and says nothing of place, camera or owner', async () => {
    const wide = await sharp({ create: { width: 200, height: 100, channels: 3, background: '#ff0000' } })
      .composite([
        { input: { create: { width: 100, height: 100, channels: 3, background: '#0000ff' } }, left: 100, top: 0 },
      ])
      .withExif({ IFD0: { Artist: 'SECRET-OWNER' }, IFD3: { GPSLatitude: '52/1 30/1 0/1' } })
      .jpeg()
      .toBuffer()
    const turned = await sharp(wide).keepExif().withMetadata({ orientation: 6 }).jpeg().toBuffer()
    assert.match(turned.toString('latin1'), /SECRET-OWNER/)
    const face = isFace(await faces.make(turned))
    assert.doesNotMatch(Buffer.from(face.bytes).toString('latin1'), /SECRET|Exif|eXIf/)
    const { data, info } = await sharp(face.bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    const at = (x: number, y: number) => data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)
    const [top, bottom] = [at(48, 4), at(48, 91)]
    assert.ok(
      (top[0] ?? 0) > 150 && (bottom[2] ?? 0) > 150,
      `red above blue: ${top.toJSON().data} ${bottom.toJSON().data}`,
    )
  })
})

describe('no face', () => {
  const hostile: [string, () => Promise<Uint8Array>, string][] = [
    ['nothing', async () => new Uint8Array(), 'no-picture'],
    ['text', async () => Buffer.from('<html>not a photo</html>'), 'no-picture'],
    [
      'an SVG, which could name files and addresses',
      async () => Buffer.from(`<svg xmlns='http://www.w3.org/2000/svg'/>`),
      'no-picture',
    ],
    ['a TIFF', async () => noise(50, 50).tiff().toBuffer(), 'no-picture'],
    ['a PDF', async () => Buffer.from('%PDF-1.7\n'), 'no-picture'],
    ['a JPEG cut off in its header', async () => (await noise(100, 100).jpeg().toBuffer()).subarray(0, 30), 'broken'],
    ['a JPEG cut off in the middle', async () => cut(await noise(800, 800).jpeg().toBuffer()), 'broken'],
    ['a PNG cut off in the middle', async () => cut(await noise(800, 800).png().toBuffer()), 'broken'],
    [
      'the first bytes of a JPEG and noise',
      async () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), randomBytes(9_000)]),
      'broken',
    ],
    [
      'the first bytes of a PNG before a GIF',
      async () => Buffer.concat([PNG, await noise(9, 9).gif().toBuffer()]),
      'broken',
    ],
    [
      'more than 5 MiB',
      async () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(5 * 2 ** 20)]),
      'too-large',
    ],
    ['a PNG of 58 kB that unpacks to 2.5 GB', async () => bomb(30_000, 30_000), 'too-many-pixels'],
    ['a PNG that says 2 thousand million pixels a side', async () => bomb(2 ** 31 - 1, 2 ** 31 - 1), 'broken'],
  ]
  for (const [title, photo, fault] of hostile)
    it(`of ${title}`, async () => {
      assert.deepEqual(await faces.make(await photo()), { fault })
    })

  it('of what hangs the thread, and the next photo is made', async () => {
    await using slow = openFaces({ limits: { seconds: 0 }, graceMs: 0 })
    const photo = await noise(100, 100).png().toBuffer()
    assert.deepEqual(await slow.make(photo), { fault: 'too-slow' })
    isFace(await faces.make(photo))
  })

  it('when too many wait, or it is closed', async () => {
    const photo = await noise(100, 100).png().toBuffer()
    const few = openFaces({ waiting: 1 })
    const made = [few.make(photo), few.make(photo)]
    await assert.rejects(few.make(photo), /too many/)
    isFace((await Promise.all(made))[0] as FaceMade)
    await few[Symbol.asyncDispose]()
    await assert.rejects(few.make(photo), /closed/)
  })
})

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

function cut(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.byteLength / 2)
}

/** A PNG whose header says so many pixels, with a body of nothing that compresses a thousandfold. */
function bomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const body = deflateSync(Buffer.alloc(60_000_000))
  return Buffer.concat([PNG, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.byteLength)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

function crc32(bytes: Buffer): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
