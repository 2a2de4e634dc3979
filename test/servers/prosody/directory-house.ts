// SPDX-License-Identifier: Apache-2.0
// Prosody with mod_gatehouse_directory on two hosts, as test/servers/both/directory-house.ts asks for it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { startProsody } from '../../../deploy/demo/prosody.ts'
import { DIRECTORY, type DirectoryServer, jid, OTHER_HOST, ROOMS } from '../both/directory-house.ts'
import { HOST, SECRET } from '../both/house.ts'

const lines = ['modules_enabled = { "gatehouse_directory" }', `gatehouse_directory = "${DIRECTORY}"`]

export const prosodyWithDirectory: DirectoryServer = {
  name: 'prosody',
  skip: false,
  open: async ({ folder: given, keepFolder = false, accounts = [], modules = [] } = {}) => {
    const folder = given ?? (await mkdtemp(join(tmpdir(), 'gatehouse-directory-')))
    const [c2s = 0, component = 0] = await freePorts(2)
    const people = ['alice', 'bob', 'carol', 'dave', 'eve', ...accounts]
    const server = await startProsody({
      folder,
      ports: { c2s, component },
      hosts: [HOST, OTHER_HOST].map((name) => ({ name, lines })),
      components: [
        ...[DIRECTORY, `stranger.${HOST}`].map((name) => ({ name, secret: SECRET })),
        // One room is in memory, the others are stored.
        { name: ROOMS, module: 'muc', lines: ['muc_room_cache_size = 1'] },
      ],
      accounts: people.map((name) => ({ jid: jid(name), password: 'secret' })),
      modules,
    })
    return {
      server,
      folder,
      ports: { c2s, component },
      [Symbol.asyncDispose]: async () => {
        await (keepFolder ? server.stop() : server.end())
        if (!keepFolder) await rm(folder, { recursive: true, force: true })
      },
    }
  },
}
