// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on ejabberd for clients that come by WebSocket and BOSH: held, asked, released in order.
import { describe, it } from 'node:test'
import { freePort } from '../both/house.ts'
import { openBosh, openWebSocket, plays } from '../both/web.ts'
import { noEjabberd, openGated } from './gated.ts'

describe('clients of ejabberd over HTTP', { skip: noEjabberd }, () => {
  it('WebSocket', async () => {
    const http = await freePort()
    await using gated = await openGated({ settings: { ports: { http } } })
    const websocket = () => openWebSocket(http)
    await plays(gated, websocket)
  })

  it('BOSH', async () => {
    const http = await freePort()
    await using gated = await openGated({ modules: { mod_bosh: {} }, settings: { ports: { http } } })
    const bosh = () => openBosh(http)
    await plays(gated, bosh)
  })
})
