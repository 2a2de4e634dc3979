// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { lua, startProsody } from '../../../deploy/demo/prosody.ts'
import { external } from '../both/directory-external.ts'
import { DIRECTORY } from '../both/directory-house.ts'
import { HOST, SECRET } from '../both/house.ts'

const lack = existsSync('/usr/lib/prosody/modules/mod_auth_ccert')
  ? false
  : 'mod_auth_ccert (prosody-modules) is not installed'

external('Prosody', lack, async ({ folder, cert, key, caFile }) => {
  const [c2s = 0, component = 0] = await freePorts(2)
  const server = await startProsody({
    folder,
    ports: { c2s, component },
    hosts: [
      {
        name: HOST,
        lines: [
          'modules_enabled = { "gatehouse_directory" }',
          `gatehouse_directory = "${DIRECTORY}"`,
          'authentication = "ccert"',
          `ssl = { certificate = ${lua(cert)}, key = ${lua(key)}, cafile = ${lua(caFile)}, capath = false, verify = { "peer" } }`,
        ],
      },
    ],
    components: [{ name: DIRECTORY, secret: SECRET }],
  })
  return { server, folder, ports: { c2s, component }, [Symbol.asyncDispose]: () => server.end().then(() => {}) }
})
