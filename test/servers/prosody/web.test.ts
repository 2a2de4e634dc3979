// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse for clients that come by WebSocket (RFC 7395) and BOSH (XEP-0206): held, asked, released in order.
import { describe, it } from 'node:test'
import { freePort } from '../both/house.ts'
import { openBosh, openWebSocket, plays } from '../both/web.ts'
import { openGated } from './gated.ts'

describe('clients over HTTP', () => {
  const settings = (module: string, http: number) => ({
    modules: ['http', module],
    global: [`http_ports = { ${http} }`],
  })
  const secure = ['consider_websocket_secure = true', 'consider_bosh_secure = true', `http_host = "127.0.0.1"`]

  it('WebSocket', async () => {
    const http = await freePort()
    await using gated = await openGated({ lines: secure, settings: settings('websocket', http) })
    const websocket = () => openWebSocket(http)
    await plays(gated, websocket)
  })

  it('BOSH', async () => {
    const http = await freePort()
    await using gated = await openGated({ lines: secure, settings: settings('bosh', http) })
    const bosh = () => openBosh(http)
    await plays(gated, bosh)
  })
})
