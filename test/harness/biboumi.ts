// SPDX-License-Identifier: Apache-2.0
// biboumi (Debian's biboumi 9.0), the other gateway between XMPP and IRC: beside ours in the bench, with a database of SQLite as the package
// has it. A port other than 6667 each of its users has to set, by a form.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, giveToDaemon, inDaemonFolder, programLack, startDaemon } from './ircd.ts'

const PROGRAM = '/usr/bin/biboumi'

export type BiboumiOptions = {
  domain: string
  secret: string
  /** The component port of the XMPP server. */
  port: number
  address?: string
  /** Bare JIDs. */
  admins?: readonly string[]
}

/** Null when it can be used here. */
export function biboumiLack(): string | null {
  return programLack({ file: PROGRAM, package: 'biboumi' })
}

/** Resolves when the XMPP server has let it in. */
export function startBiboumi(options: BiboumiOptions): Promise<Daemon> {
  return inDaemonFolder('biboumi', async (folder) => {
    const config = join(folder, 'biboumi.cfg')
    const lines = [
      `hostname=${options.domain}`,
      `password=${options.secret}`,
      `xmpp_server_ip=${options.address ?? '127.0.0.1'}`,
      `port=${options.port}`,
      `admin=${(options.admins ?? []).join(':')}`,
      `db_name=${join(folder, 'biboumi.sqlite')}`,
      'identd_port=0',
      'log_level=1',
    ]
    await writeFile(config, `${lines.join('\n')}\n`, { mode: 0o600 })
    await giveToDaemon(folder)
    return startDaemon({
      title: 'biboumi',
      folder,
      command: PROGRAM,
      args: [config],
      address: options.address ?? '127.0.0.1',
      ports: [],
      says: /[Aa]uthenticated/,
    })
  })
}
