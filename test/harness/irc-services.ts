// SPDX-License-Identifier: Apache-2.0
// Services that link into an InspIRCd: accounts (NickServ, ChanServ) and SASL. It is Atheme (Debian's atheme-services 7.2): PLAIN and
// EXTERNAL; no services of Debian have SCRAM.
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Inspircd } from './inspircd.ts'
import { irc } from './irc-person.ts'
import { askUntil, type Daemon, giveToDaemon, inDaemonFolder, programLack, startDaemon } from './ircd.ts'

const ATHEME = '/usr/bin/atheme-services'
const INSPIRCD = '/usr/sbin/inspircd'
/** InspIRCd 4 refuses the protocol that Atheme 7.2 speaks. */
const NEWEST_LINKED = 3
/** To be given to startInspircd as `services`. */
export const SERVICES = 'services.gatehouse.test'

export type Services = Daemon & {
  /** Makes an account; with `fingerprint` (of a certificate, as the server counts it) also for SASL EXTERNAL. */
  register(account: string, password: string, fingerprint?: string): Promise<void>
}

/** Null when they can be used here, beside the InspIRCd that is installed. */
export function servicesLack(): string | null {
  const lack = programLack({ file: ATHEME, package: 'atheme-services' })
  if (lack !== null) return lack
  const { stdout } = spawnSync(INSPIRCD, ['--version'], { encoding: 'utf8' })
  const release = Number(/InspIRCd-(\d+)\./.exec(stdout ?? '')?.[1] ?? 0)
  return release > NEWEST_LINKED ? `Atheme 7.2 links into no InspIRCd ${release}` : null
}

/** Resolves when the server knows them. */
export function startServices(ircd: Inspircd): Promise<Services> {
  return inDaemonFolder('atheme', async (folder) => {
    await writeConfig(folder, ircd)
    await giveToDaemon(folder)
    const daemon = await startDaemon({
      title: 'Atheme',
      folder,
      command: ATHEME,
      args: [
        '-n',
        '-c',
        join(folder, 'atheme.conf'),
        '-p',
        join(folder, 'pid'),
        '-D',
        folder,
        '-l',
        join(folder, 'log'),
      ],
      address: ircd.address,
      ports: [],
    })
    await using person = await irc(ircd, 'linkwatch')
    const linked = async () => (await person.ask('LINKS', / 365 /u)).some((line) => line.includes(SERVICES))
    await askUntil(linked, 'the services being linked').catch(async (fault: unknown) => {
      await daemon.stop()
      throw fault
    })
    return Object.assign(daemon, {
      async register(account: string, password: string, fingerprint?: string) {
        await using person = await irc(ircd, account)
        person.send(`PRIVMSG NickServ :REGISTER ${password} ${account}@gatehouse.test`)
        await person.next(/ 900 |NOTICE .*registered/u)
        if (fingerprint === undefined) return
        person.send(`PRIVMSG NickServ :CERT ADD ${fingerprint}`)
        await person.next(/NOTICE .*(?:[Aa]dded|fingerprint list)/u)
      },
    })
  })
}

async function writeConfig(folder: string, ircd: Inspircd): Promise<void> {
  const modules = [
    ...['protocol/inspircd', 'backend/opensex', 'crypto/pbkdf2v2'],
    ...['main', 'identify', 'register', 'cert', 'group', 'info', 'logout', 'set_core', 'status', 'ghost'].map(
      (one) => `nickserv/${one}`,
    ),
    ...['main', 'register', 'flags', 'op', 'info'].map((one) => `chanserv/${one}`),
    ...['main', 'plain', 'external'].map((one) => `saslserv/${one}`),
  ]
  const service = (name: string): string =>
    `${name.toLowerCase()} { nick = "${name}"; user = "${name}"; host = "${SERVICES}"; real = "${name}"; };`
  await writeFile(
    join(folder, 'atheme.conf'),
    `${modules.map((one) => `loadmodule "modules/${one}";`).join('\n')}
pbkdf2v2 { digest = "SHA256"; rounds = 10000; };
serverinfo { name = "${SERVICES}"; desc = "Of the tests"; numeric = "00A"; recontime = 1; netname = "GatehouseTests"; adminname = "Nobody";
  adminemail = "nobody@gatehouse.test"; registeremail = "nobody@gatehouse.test"; loglevel = { error; info; network; }; maxlogins = 100;
  maxusers = 0; mdlimit = 30; auth = none; casemapping = rfc1459; };
uplink "${ircd.name}" { host = "${ircd.address}"; password = "${ircd.linkPassword}"; port = ${ircd.serverPort}; };
${['NickServ', 'ChanServ', 'SaslServ'].map(service).join('\n')}
general { commit_interval = 5; default_clone_limit = 1000; };
`,
  )
}
