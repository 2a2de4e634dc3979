// SPDX-License-Identifier: Apache-2.0
// A certificate authority for one test, and what it signs.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type Authority = {
  caFile: string
  /** Makes NAME.pem and NAME.key. */
  sign(name: string, subject: string, names?: readonly string[]): Promise<{ cert: string; key: string }>
}

export async function makeAuthority(folder: string): Promise<Authority> {
  const at = (name: string): string => join(folder, name)
  const making = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await run('openssl', [...making, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Tests CA'])
  return {
    caFile: at('ca.pem'),
    async sign(name, subject, names = []) {
      const files = { cert: at(`${name}.pem`), key: at(`${name}.key`) }
      const signing = [
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-keyout',
        files.key,
        '-out',
        files.cert,
        '-subj',
        subject,
      ]
      const alternative = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
      await run('openssl', [...making, ...signing, ...alternative, '-addext', 'basicConstraints=critical,CA:FALSE'])
      return files
    },
  }
}
