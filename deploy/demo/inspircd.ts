// SPDX-License-Identifier: Apache-2.0
// The network outside: an InspIRCd in a folder, on loopback alone. Needs the Debian package inspircd.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exitOf, killIfThere, logLines } from './server.ts'
import { listening } from './slapd.ts'

const PROGRAM = '/usr/sbin/inspircd'
/** What lets a gateway tell who said what, when, and whether it got through. */
const MODULES = [
  ...['ircv3', 'ircv3_accounttag', 'ircv3_batch', 'ircv3_capnotify', 'ircv3_chghost', 'ircv3_ctctags'],
  ...['ircv3_echomessage', 'ircv3_invitenotify', 'ircv3_labeledresponse', 'ircv3_msgid', 'ircv3_servertime'],
  ...['cap', 'namesx', 'uhnames', 'monitor'],
]

export type Ircd = AsyncDisposable & { readonly pid: number; readonly port: number }

/** Null when it can be used here. */
export function inspircdLack(): string | null {
  return existsSync(PROGRAM) ? null : 'inspircd is not installed'
}

/** Resolves when it listens; rejects with its last words when it ends before. */
export async function startIrcd(folder: string, { name, port }: { name: string; port: number }): Promise<Ircd> {
  const place = join(folder, 'inspircd')
  await mkdir(place, { recursive: true })
  const config = join(place, 'inspircd.conf')
  await writeFile(config, `${configOf(place, name, port).join('\n')}\n`)
  await writeFile(join(place, 'motd'), 'A made-up network.\n')
  const asRoot = process.getuid?.() === 0 ? ['--runasroot'] : []
  const child = spawn(PROGRAM, ['--config', config, '--nofork', '--nopid', ...asRoot], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = exitOf(child)
  const lines = logLines('InspIRCd', child, join(place, 'output.log'), exited)
  const ended = exited.then(() => {
    throw new Error(`InspIRCd ended:\n${lines.tail(20)}`)
  })
  await listening([port], ended)
  const pid = child.pid ?? 0
  return {
    pid,
    port,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) killIfThere(pid, 'SIGTERM')
      await exited
    },
  }
}

function configOf(place: string, name: string, port: number): string[] {
  return [
    `<server name="${name}" id="1AA" description="A made-up network" network="Demo">`,
    '<admin name="Nobody" nick="Nobody" email="nobody@example.org">',
    `<bind address="127.0.0.1" port="${port}" type="clients">`,
    ...MODULES.map((module) => `<module name="${module}">`),
    '<connect name="all" allow="*" timeout="60" pingfreq="2m" localmax="100" globalmax="100" resolvehostnames="no" useident="no">',
    '<options casemapping="rfc1459" defaultmodes="not">',
    `<path configdir="${place}" datadir="${place}" logdir="${place}" runtimedir="${place}" moduledir="/usr/lib/inspircd/modules">`,
    `<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="${join(place, 'inspircd.log')}" flush="1">`,
    `<files motd="${join(place, 'motd')}">`,
    // Nobody is looked up.
    '<dns server="127.0.0.1" timeout="1">',
  ]
}
