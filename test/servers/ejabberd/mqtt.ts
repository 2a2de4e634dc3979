// SPDX-License-Identifier: Apache-2.0
// As much of MQTT 3.1.1 as a test needs to write and to read: over WebSocket, one account.
import assert from 'node:assert/strict'
import { soon } from '../both/house.ts'

const CONNECT = 0x10
const PUBLISH = 0x30
const SUBSCRIBE = 0x82

export type Mqtt = {
  publish(topic: string, payload: string | Buffer): void
  got(payload: string): Promise<void>
  close(): void
}

export async function openMqtt(
  port: number,
  path: string,
  account: string,
  topics: readonly string[] = [],
): Promise<Mqtt> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'mqtt')
  socket.binaryType = 'arraybuffer'
  let come = Buffer.alloc(0)
  const waiting = new Set<() => void>()
  socket.addEventListener('message', ({ data }) => {
    assert.ok(data instanceof ArrayBuffer)
    come = Buffer.concat([come, Buffer.from(data)])
    for (const look of waiting) look()
  })
  const until = (what: string, fits: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (!fits()) return
      waiting.delete(look)
      resolve()
    }
    waiting.add(look)
    look()
    return soon(promise, what)
  }
  await soon(new Promise((done) => socket.addEventListener('open', done)), 'the socket')
  const names = [`test-${account}`, account, 'secret'].map(text)
  socket.send(packet(CONNECT, Buffer.concat([text('MQTT'), Buffer.from([4, 0xc2, 0, 60]), ...names])))
  await until('the login', () => come.length >= 4)
  assert.deepEqual([...come.subarray(0, 4)], [0x20, 2, 0, 0], 'logged in')
  if (topics.length > 0) {
    socket.send(
      packet(
        SUBSCRIBE,
        Buffer.concat([Buffer.from([0, 1]), ...topics.flatMap((one) => [text(one), Buffer.from([0])])]),
      ),
    )
    await until('the subscription', () => come.includes(Buffer.from([0x90])))
  }
  return {
    publish: (topic, payload) => socket.send(packet(PUBLISH, Buffer.concat([text(topic), Buffer.from(payload)]))),
    got: (payload) => until(payload, () => come.includes(payload)),
    close: () => socket.close(),
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

function packet(kind: number, content: Buffer): Buffer<ArrayBuffer> {
  assert.ok(content.length < 128, 'one byte says how long it is')
  return Buffer.concat([Buffer.from([kind, content.length]), content])
}
