// SPDX-License-Identifier: Apache-2.0
// ejabberd with mod_gatehouse_directory on two hosts, as test/servers/both/directory-house.ts asks for it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ejabberd, type EjabberdSettings, startEjabberd } from '../../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../../deploy/demo/ports.ts'
import {
  DIRECTORY,
  type DirectoryHouse,
  type DirectoryOptions,
  type DirectoryServer,
  jid,
  OTHER_HOST,
} from '../both/directory-house.ts'
import { HOST, SECRET } from '../both/house.ts'
import { noEjabberd } from './gated.ts'

export const ejabberdWithDirectory: DirectoryServer = {
  name: 'ejabberd',
  skip: noEjabberd,
  open: openEjabberdDirectory,
}

export async function openEjabberdDirectory(
  { folder: given, keepFolder = false, accounts = [], modules = [] }: DirectoryOptions = {},
  more: Partial<EjabberdSettings> = {},
): Promise<DirectoryHouse & { server: Ejabberd }> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'gatehouse-directory-')))
  const [c2s = 0, component = 0] = await freePorts(2)
  const people = ['alice', 'bob', 'carol', 'dave', 'eve', ...accounts]
  const helper = { mod_gatehouse_directory: { component: DIRECTORY } }
  const server = await startEjabberd({
    folder,
    ports: { c2s, component },
    hosts: [HOST, OTHER_HOST].map((name) => ({ name, modules: helper })),
    components: [DIRECTORY, `stranger.${HOST}`].map((name) => ({ name, secret: SECRET })),
    accounts: people.map((name) => ({ jid: jid(name), password: 'secret' })),
    ...more,
    modules: {
      mod_roster: { versioning: true },
      mod_muc: { hosts: ['rooms.@HOST@'] },
      ...Object.fromEntries(modules.map((name) => [name, {}])),
      ...more.modules,
    },
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
}
