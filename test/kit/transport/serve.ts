// SPDX-License-Identifier: Apache-2.0
// A transport on a network that does not exist, as a component of a real server.
import { join } from 'node:path'
import { createRouter } from '../../../components/kit/router/create-router.ts'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import type { Stream } from '../../../components/kit/stream/stream.ts'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'
import { openTransport } from '../../../components/kit/transport/transport.ts'
import { MadeUpNet } from './made-up.ts'
import { delivering, GATEWAY, NO_PEOPLE } from './stand.ts'

export async function serve(port: number, secret: string, folder: string) {
  const net = new MadeUpNet()
  const log = { info() {}, warn() {}, error: (event: string, fields?: unknown) => console.error(event, fields) }
  const { promise: first, resolve: isUp } = Promise.withResolvers<void>()
  let up = Promise.withResolvers<void>()
  let down = Promise.withResolvers<void>()
  let stream: Stream | null = null
  const transport = await openTransport({
    domain: GATEWAY,
    network: net,
    store: join(folder, 'transport.sqlite'),
    asker: delivering,
    people: () => NO_PEOPLE,
    settings: { stays: () => false },
    text: createCatalogue([KIT_TEXTS]),
    log,
    now: Date.now,
    occupantKey: Buffer.alloc(32, 7),
    stream: () => stream,
  })
  const router = createRouter(
    {
      domain: GATEWAY,
      identity: { category: 'gateway', type: 'made-up' },
      software: { name: 'Subject', version: '1' },
      log,
      ...transport.router,
    },
    (events) =>
      openStream(
        { host: '127.0.0.1', port, domain: GATEWAY, secret, log },
        {
          take: events.take,
          up() {
            transport.up()
            down = Promise.withResolvers()
            isUp()
            up.resolve()
          },
          down(reason) {
            events.down(reason)
            transport.down()
            up = Promise.withResolvers()
            down.resolve()
          },
        },
      ),
  )
  stream = router.stream
  await first
  return {
    net,
    transport,
    up: () => up.promise,
    down: () => down.promise,
    async [Symbol.asyncDispose]() {
      await transport.drain(AbortSignal.timeout(5000))
      await router.stream.drain(AbortSignal.timeout(5000))
      transport.close()
    },
  }
}
