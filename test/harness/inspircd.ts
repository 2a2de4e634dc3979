// SPDX-License-Identifier: Apache-2.0
// InspIRCd 3 (Debian's inspircd) with every IRCv3 capability that it has; alone, or linked with another.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../deploy/demo/ports.ts'
import { makeAuthority } from './certificates.ts'
import { irc } from './irc-person.ts'
import { askUntil, giveToDaemon, type Ircd, inDaemonFolder, programLack, startDaemon } from './ircd.ts'

const PROGRAM = '/usr/sbin/inspircd'
const OPER = { name: 'root', password: 'oper-of-the-tests' }
const LINK_PASSWORD = 'link-of-the-tests'

export type InspircdOptions = {
  /** Default 127.0.0.1. */
  address?: string
  /** Default a free one. */
  port?: number
  /** Also a port with TLS, with a certificate for the name. */
  tls?: boolean
  /** As it calls itself; default irc.gatehouse.test. */
  name?: string
  /** Three characters; two that are linked have different ones. */
  id?: string
  /** Name of the services server (Atheme, Anope) that links in on `serverPort`; it is then where SASL is asked. */
  services?: string
  /** Another that is to be linked with this one: its name and `serverPort`. */
  link?: { name: string; port: number }
  /** Names of those that link in. */
  linkedBy?: readonly string[]
  /** `none`: nobody is ever slowed or sent off for flooding; `default`: as the package's example has it. Default none. */
  flood?: 'none' | 'default'
  /** rfc1459 (its default) or ascii. */
  casemapping?: 'rfc1459' | 'ascii'
  /** Modules left out, such as ircv3_echomessage: without a capability. */
  without?: readonly string[]
  /** Strict transport security is announced for TLS (needs `tls`). */
  sts?: boolean
  /** Password for WEBIRC. */
  webirc?: string
  /** Ask the client's host for the user name: the port is 113 and cannot be another. */
  ident?: boolean
  /** Server password. */
  password?: string
  /** Further lines of the configuration. */
  lines?: readonly string[]
}

export type Inspircd = Ircd & {
  readonly kind: 'inspircd'
  /** Where other servers and services link in, with LINK_PASSWORD. */
  readonly serverPort: number
  readonly linkPassword: string
}

export const INSPIRCD_MODULES = [
  ...['ircv3', 'ircv3_accounttag', 'ircv3_batch', 'ircv3_capnotify', 'ircv3_chghost', 'ircv3_ctctags'],
  ...['ircv3_echomessage', 'ircv3_invitenotify', 'ircv3_labeledresponse', 'ircv3_msgid', 'ircv3_servertime'],
  ...['cap', 'namesx', 'uhnames', 'monitor', 'setname', 'services_account', 'botmode', 'knock', 'alias', 'muteban'],
  ...['customprefix', 'chanhistory', 'banexception', 'inviteexception', 'chghost', 'sethost', 'deaf', 'callerid'],
  ...[
    'noctcp',
    'nonicks',
    'stripcolor',
    'redirect',
    'sanick',
    'sapart',
    'sajoin',
    'samode',
    'spanningtree',
    'timedbans',
  ],
]

/** Null when it can be used here. */
export function inspircdLack(): string | null {
  return programLack({ file: PROGRAM, package: 'inspircd' })
}

export function startInspircd(options: InspircdOptions = {}): Promise<Inspircd> {
  return inDaemonFolder('inspircd', async (folder) => {
    const address = options.address ?? '127.0.0.1'
    const name = options.name ?? 'irc.gatehouse.test'
    const [free = 0, tlsPort = 0, serverPort = 0] = await freePorts(3, address)
    const port = options.port ?? free
    const authority = options.tls === true ? await makeAuthority(folder) : null
    await authority?.sign('server', `/CN=${name}`, [`DNS:${name}`, 'DNS:localhost', `IP:${address}`])
    const config = join(folder, 'inspircd.conf')
    await writeFile(config, configOf(folder, { address, name, port, tlsPort, serverPort }, options))
    await writeFile(join(folder, 'motd'), 'Of the tests\n')
    await giveToDaemon(folder)
    const daemon = await startDaemon({
      title: 'InspIRCd',
      folder,
      command: PROGRAM,
      args: ['--config', config, '--nofork', '--nopid'],
      address,
      ports: [port, serverPort, ...(authority === null ? [] : [tlsPort])],
    })
    return Object.assign(daemon, {
      kind: 'inspircd' as const,
      ...{ name, address, port, serverPort, linkPassword: LINK_PASSWORD, oper: OPER },
      tlsPort: authority === null ? 0 : tlsPort,
      caFile: authority?.caFile ?? null,
    })
  })
}

export type Net = AsyncDisposable & {
  readonly hub: Inspircd
  readonly leaf: Inspircd
  /** Cuts the link and leaves both running; resolves when both know. */
  split(): Promise<void>
  /** Links them again; resolves when both know. */
  join(): Promise<void>
}

/** Two of them, linked. The hub knows of nobody that the leaf has before `join`; it has been called once. */
export async function startLinkedInspircds(options: InspircdOptions = {}): Promise<Net> {
  await using opened = new AsyncDisposableStack()
  const leaf = opened.use(
    await startInspircd({ ...options, name: 'leaf.gatehouse.test', id: '2LF', linkedBy: ['hub.gatehouse.test'] }),
  )
  const link = { name: leaf.name, port: leaf.serverPort }
  const hub = opened.use(await startInspircd({ ...options, name: 'hub.gatehouse.test', id: '1HB', link }))
  const watcher = opened.use(await irc(hub, 'watcher'))
  const other = opened.use(await irc(leaf, 'otherwatcher'))
  await watcher.oper(hub.oper)
  await other.oper(leaf.oper)
  const linked = async (is: boolean) => {
    for (const [person, name] of [
      [watcher, leaf.name],
      [other, hub.name],
    ] as const) {
      const knows = async () =>
        (await person.ask('LINKS', / 365 /u)).some((line) => / 364 /u.test(line) && line.includes(name))
      await askUntil(async () => (await knows()) === is, `a link of ${name} being ${is}`)
    }
  }
  const net = {
    hub,
    leaf,
    async split() {
      // At both ends: whoever is only left may take a while to notice.
      watcher.send(`SQUIT ${leaf.name} :split by the test`)
      other.send(`SQUIT ${hub.name} :split by the test`)
      await linked(false)
    },
    async join() {
      watcher.send(`CONNECT ${leaf.name}`)
      await linked(true)
    },
  }
  await net.join()
  const all = opened.move()
  return { ...net, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

type Place = { address: string; name: string; port: number; tlsPort: number; serverPort: number }

function configOf(folder: string, place: Place, options: InspircdOptions): string {
  const { address, name, port, tlsPort, serverPort } = place
  const at = (file: string): string => join(folder, file)
  const without = new Set(options.without)
  const modules = INSPIRCD_MODULES.filter((one) => !without.has(one))
  const limits =
    options.flood === 'default'
      ? 'hardsendq="1M" softsendq="10240" recvq="10K" threshold="10" commandrate="1000" fakelag="yes"'
      : 'hardsendq="512M" softsendq="256M" recvq="16M" threshold="1000000" commandrate="100000000" fakelag="no"'
  const linking = [options.link?.name, ...(options.linkedBy ?? []), options.services].filter((one) => one !== undefined)
  return [
    `<server name="${name}" id="${options.id ?? '1AA'}" description="Of the tests" network="GatehouseTests">`,
    '<admin name="Nobody" nick="Nobody" email="nobody@gatehouse.test">',
    `<bind address="${address}" port="${port}" type="clients">`,
    `<bind address="${address}" port="${serverPort}" type="servers">`,
    ...(options.tls === true
      ? [
          '<module name="ssl_gnutls">',
          '<module name="sslinfo">',
          `<sslprofile name="Clients" provider="gnutls" certfile="${at('server.pem')}" keyfile="${at('server.key')}" cafile="${at('ca.pem')}" hash="sha256" requestclientcert="yes">`,
          `<bind address="${address}" port="${tlsPort}" type="clients" sslprofile="Clients">`,
        ]
      : []),
    ...modules.map((one) => `<module name="${one}">`),
    '<customprefix name="founder" letter="q" prefix="~" rank="50000" ranktoset="50000">',
    '<customprefix name="admin" letter="a" prefix="&amp;" rank="40000" ranktoset="50000">',
    '<customprefix name="halfop" letter="h" prefix="%" rank="20000" ranktoset="30000">',
    '<chanhistory bots="yes" maxlines="50" prefixmsg="yes">',
    ...(options.sts === true
      ? ['<module name="ircv3_sts">', `<sts host="*" duration="5m" port="${tlsPort}" preload="no">`]
      : []),
    ...(options.webirc === undefined
      ? []
      : ['<module name="cgiirc">', `<cgihost type="webirc" mask="127.*" password="${options.webirc}">`]),
    ...(options.ident === true ? ['<module name="ident">', '<ident timeout="3s">'] : []),
    `<connect name="all" allow="*" timeout="60" pingfreq="2m" ${limits} localmax="100000" globalmax="100000" limit="100000" maxchans="1000" resolvehostnames="no" useident="${options.ident === true ? 'yes' : 'no'}"${options.password === undefined ? '' : ` password="${options.password}"`}>`,
    '<class name="All" commands="*" privs="*" usermodes="*" chanmodes="*">',
    '<type name="All" classes="All">',
    `<oper name="${OPER.name}" password="${OPER.password}" host="*@*" type="All">`,
    '<channels users="1000" opers="1000">',
    '<maxlist chan="*" limit="100">',
    `<options casemapping="${options.casemapping ?? 'rfc1459'}" defaultmodes="not" hostintopic="yes" announcets="no" invitebypassmodes="yes">`,
    '<performance netbuffersize="65534" somaxconn="1024" softlimit="12800" quietbursts="yes">',
    '<security announceinvites="dynamic" hidesplits="no" maxtargets="20" userstats="Pu" flatlinks="no">',
    '<limits maxaway="200" maxchan="60" maxhost="64" maxident="10" maxkick="300" maxmodes="20" maxnick="30" maxquit="300" maxreal="130" maxtopic="330">',
    `<path configdir="${folder}" datadir="${folder}" logdir="${folder}" runtimedir="${folder}" moduledir="/usr/lib/inspircd/modules">`,
    `<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="${at('ircd.log')}" flush="1">`,
    `<files motd="${at('motd')}">`,
    '<dns server="127.0.0.1" timeout="1">',
    ...(options.link === undefined
      ? []
      : [
          `<link name="${options.link.name}" ipaddr="${address}" port="${options.link.port}" allowmask="127.0.0.0/8" sendpass="${LINK_PASSWORD}" recvpass="${LINK_PASSWORD}">`,
        ]),
    ...linking
      .filter((one) => one !== options.link?.name)
      .map(
        (one) =>
          `<link name="${one}" ipaddr="${address}" port="1" allowmask="127.0.0.0/8" sendpass="${LINK_PASSWORD}" recvpass="${LINK_PASSWORD}">`,
      ),
    ...(options.services === undefined
      ? []
      : [
          `<uline server="${options.services}" silent="yes">`,
          '<module name="sasl">',
          `<sasl target="${options.services}" requiressl="no">`,
        ]),
    ...(options.lines ?? []),
    '',
  ].join('\n')
}
