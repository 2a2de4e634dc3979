// SPDX-License-Identifier: Apache-2.0
// Modules of a server that bring or take something past the question, by the door that each opens, without `mod_`; of Prosody and
// ejabberd. The page: PROTOCOL.md section 9, whose rows name the same modules. What a door means and what to do stands in text/ as
// policy-door-NAME.

export const DOORS = {
  /** Speaks inside the server in its own name or for a person. */
  speaks: ['matrix_gw', 'post_msg', 'pubsub_feeds', 'pubsub_mqtt', 'pubsub_post', 'rest', 'sip', 'slack_webhooks'],
  /** Says for a person what nobody is asked about: on record. */
  utters: ['ejabberd_xmlrpc', 'http_api', 'mqtt'],
  /** Says what the host says: on record, never asked about. */
  announces: ['announce', 'motd', 'motd_sequential', 'watch_spam_reports', 'watchregistrations', 'welcome'],
  /** Moves bytes that nobody sees; only their offer is asked about. */
  files: ['http_file_share', 'http_upload', 'http_upload_external', 'proxy65'],
  /** Changes or answers what has been asked about. */
  rewrites: ['firewall', 'pastebin'],
  /** Unloads the helper, and speaks, for whoever gets in. Not admin_shell: its socket is open to the server's own user and root only. */
  console: ['admin_adhoc', 'admin_message', 'admin_telnet', 'admin_web', 'configure', 'ejabberd_web_admin'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type Door = keyof typeof DOORS

/** What a helper tells of its host; names as it wrote them. */
export type HostState = {
  /** Kinds of questions that are switched off. */
  off: readonly string[]
  modules: readonly string[]
  /** Modules for whose names there was no room. */
  omitted: number
  /** Components that it takes for transports to other networks. */
  transports: readonly string[]
}

/** What of it matters: bounded, whatever the helper sends. */
export type Open = {
  off: readonly string[]
  doors: readonly { door: Door; modules: readonly string[] }[]
  omitted: number
  /** Transports of the settings that the host does not take for one. */
  untold: readonly string[]
  /** What the host takes for one, and the settings do not name. */
  unnamed: readonly string[]
}

const OFF_MAX = 20
const TRANSPORTS_MAX = 20

/** `named`: domains of transports in the settings, lower case. */
export function openOf({ off, modules, omitted, transports }: HostState, named: ReadonlySet<string>): Open {
  const loaded = new Set(modules)
  const doors = (Object.keys(DOORS) as Door[]).flatMap((door) => {
    const open = DOORS[door].filter((name) => loaded.has(name))
    return open.length > 0 ? [{ door, modules: open }] : []
  })
  const told = new Set(transports.map((domain) => domain.toLowerCase()))
  return {
    off: off.slice(0, OFF_MAX),
    doors,
    omitted,
    untold: [...named].filter((domain) => !told.has(domain)).slice(0, TRANSPORTS_MAX),
    unnamed: [...told].filter((domain) => !named.has(domain)).slice(0, TRANSPORTS_MAX),
  }
}

export function isOpen({ off, doors, omitted, untold, unnamed }: Open): boolean {
  return off.length + doors.length + omitted + untold.length + unnamed.length > 0
}

/** As the server's own documents write it. */
export function moduleName(name: string): string {
  return name.startsWith('ejabberd_') ? name : `mod_${name}`
}
