// SPDX-License-Identifier: Apache-2.0
// deaf-component.ts PORT DOMAIN SECRET: a component that reads everything and does nothing with it, for mod_service_log.
import { connect } from 'node:net'
import { pathToFileURL } from 'node:url'
import { handshake } from '../servers/prosody/allow-screen.ts'

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , port, domain, secret] = process.argv
  if (port === undefined || domain === undefined || secret === undefined)
    throw new Error('deaf-component.ts PORT DOMAIN SECRET')
  const socket = connect(Number(port), '127.0.0.1')
  process.once('SIGTERM', () => void socket.destroy())
  await handshake(socket, { domain, secret })
  socket.resume()
  process.stdout.write('ready\n')
}
